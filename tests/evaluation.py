"""The views and expressions that quality is reported on ("eval-v1"); encoders never see them."""

VIEWS = ((0, 0), (20, 5), (-20, -5), (40, 10), (-40, 0), (10, 15), (-30, -10), (30, 0))
"""Yaw and pitch in degrees; 550 × 802 pixels, focal length 1,900, white background."""

EXPRESSIONS = {
    "rest": {},
    "open": {"jawOpen": 0.6},
    "smile": {
        "mouthSmileLeft": 0.8,
        "mouthSmileRight": 0.8,
        "cheekSquintLeft": 0.5,
        "cheekSquintRight": 0.5,
    },
    "blink": {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0},
    "pucker": {"mouthPucker": 0.6, "browInnerUp": 0.8},
}
