"""The numbers that make pictures of different rasterizers agree; they are gsplat's (1.5.3, classic mode)."""

from __future__ import annotations

ALPHA_MINIMUM = 1.0 / 255.0
"""A Gaussian covers a pixel exactly where its α reaches this: no tile and no 3σ box decides."""
ALPHA_MAXIMUM = 0.999
"""α is clamped here, so that nothing is fully opaque."""
TRANSMITTANCE_MINIMUM = 1e-4
"""A pixel stops, for good and before blending, at the first Gaussian that would bring T to this or below."""
COVARIANCE_BLUR = 0.3
"""Square pixels added to both diagonal entries of the projected covariance."""
NEAR_PLANE = 0.01
"""Metres along the view axis; Gaussians whose means are nearer, or behind, are not drawn."""
FAR_PLANE = 1e10
"""Metres."""
FIELD_OF_VIEW_MARGIN = 0.3
"""The Jacobian is taken no farther outside the picture than this share of half its width or height."""
