"""Training avatars whose every prefix looks right.

    from pavtraining.progressive import made_progressive

    avatar = made_progressive(flat_avatar)  # a fitted base, and the avatar's own Gaussians that take over from it

`pavtraining.sources` gives pictures to learn from, `pavtraining.rendering` draws with gradients,
`pavtraining.hand_over` and `pavtraining.hierarchy` are the two methods of `pav fit`. Needs torch and numba (the extra
`training`).
"""
