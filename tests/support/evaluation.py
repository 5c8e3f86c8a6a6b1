"""The views and expressions that quality is reported on ("eval-v1"); encoders never see them."""

from pavplayer.evaluation.views import EVALUATION_V1

VIEWS = EVALUATION_V1.views
"""Yaw and pitch in degrees; 550 × 802 pixels, focal length 1,900, white background."""

EXPRESSIONS = {name: dict(pose.weights) for name, pose in EVALUATION_V1.expressions.items()}
