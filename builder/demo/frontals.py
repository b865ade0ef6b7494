"""Bodies seen from the front: blob, octopus and biped."""

from builder.demo.anatomy import Body, jitter
from builder.demo.raster import Rng
from builder.demo.shapes import ellipse, place, spline, tube


def blob(rng: Rng) -> Body:
    squash, lean = jitter(rng, 0.05), jitter(rng, 0.05)
    top = -0.34 + squash
    wide = 0.48 + squash * 0.5
    torso = spline([
        (lean, top), (0.28 + lean * 0.7, top + 0.12), (wide - 0.06, 0.14), (wide, 0.5),
        (wide - 0.1, 0.6), (0.2, 0.58), (0.0, 0.62), (-0.2, 0.58), (-wide + 0.1, 0.6), (-wide, 0.5),
        (-wide + 0.06, 0.14), (-0.28 + lean * 0.7, top + 0.12),
    ])  # fmt: skip
    nub = tube([(-0.38, 0.4), (-0.58, 0.36), (-0.68, 0.2)], [0.12, 0.08, 0.035])
    return Body(
        rear=(),
        core=(torso, nub),
        details=(
            ("blush", ellipse((-0.27 + lean * 0.5, 0.16), 0.07, 0.045)),
            ("blush", ellipse((0.31 + lean * 0.5, 0.16), 0.07, 0.045)),
        ),
        eyes=(((-0.13 + lean * 0.5, 0.02), 0.095), ((0.17 + lean * 0.5, 0.02), 0.095)),
        mouth=((0.02 + lean * 0.5, 0.17), 0.17),
        face_radius=0.36,
        crown=(lean, top + 0.03),
        forehead=(0.02 + lean * 0.7, top + 0.2),
        neck=((0.02, 0.0), 0.54),
        back=[
            (0.3 + lean, top + 0.1), (0.12 + lean, top), (-0.12 + lean, top),
            (-0.3 + lean, top + 0.14), (-wide + 0.06, 0.14), (-wide - 0.02, 0.34),
        ],
        tail=((-0.69, 0.17), -0.25),
        wing=((0.3, -0.02), 1.0),
        shell=((-0.38, -0.15), 0.27),
        belly=((0.03, 0.42), 0.27, 0.15, 0.0),
        frontal=True,
    )  # fmt: skip


def octopus(rng: Rng) -> Body:
    sway, tall = jitter(rng, 0.05), jitter(rng, 0.04)
    top = -0.5 - tall
    dome = spline([
        (0.0, top), (0.24, top + 0.1), (0.33, -0.16), (0.27, 0.06), (0.2, 0.2), (-0.2, 0.2),
        (-0.27, 0.06), (-0.33, -0.16), (-0.24, top + 0.1),
    ])  # fmt: skip
    arms = []
    for x, s, tip in ((-0.2, 1, 0.38), (0.2, -1, 0.38), (-0.1, -1, 0.6), (0.1, 1, 0.6)):
        arm = [(x, 0.1), (x * 1.7, 0.3 + sway * s), (x * 2.5 + sway, 0.5), (x * 3.6, tip)]
        arms.append(tube(arm, [0.1, 0.095, 0.07, 0.03]))
    middle = tube([(0.0, 0.12), (0.02 + sway, 0.36), (-sway, 0.58)], [0.1, 0.09, 0.05])
    behind = [
        tube([(s * 0.16, 0.1), (s * 0.36, 0.34), (s * 0.5, 0.6)], [0.09, 0.08, 0.05])
        for s in (-1, 1)
    ]
    suckers = tuple(
        ("sucker", ellipse((s * x, y), 0.028, 0.024, n=10))
        for s in (-1, 1)
        for x, y in ((0.5, 0.5), (0.61, 0.47))
    )
    return Body(
        rear=tuple(behind),
        core=(dome, *arms, middle),
        details=suckers,
        eyes=(((-0.13, -0.06), 0.09), ((0.13, -0.06), 0.09)),
        mouth=((0.0, 0.08), 0.12),
        face_radius=0.32,
        crown=(0.0, top + 0.03),
        forehead=(0.0, top + 0.2),
        neck=((0.0, -0.14), 0.46),
        back=[
            (0.28, top + 0.16), (0.16, top + 0.03), (0.0, top), (-0.16, top + 0.03),
            (-0.28, top + 0.16), (-0.34, -0.12),
        ],
        tail=((-0.75, 0.34), -0.5),
        wing=((0.24, -0.06), 1.0),
        shell=((-0.28, -0.4), 0.25),
        belly=((0.0, 0.17), 0.2, 0.08, 0.0),
        frontal=True,
        floating=True,
    )  # fmt: skip


def biped(rng: Rng) -> Body:
    wave, sway = rng.uniform(-0.12, 0.2), jitter(rng, 0.03)
    hy = -0.3 + jitter(rng, 0.02)
    torso = spline([
        (0.0, -0.14), (0.19, -0.08), (0.25, 0.14), (0.22, 0.38), (0.0, 0.44), (-0.22, 0.38),
        (-0.25, 0.14), (-0.19, -0.08),
    ])  # fmt: skip
    legs = [tube([(s * 0.13, 0.32), (s * 0.16, 0.56)], [0.11, 0.09]) for s in (-1, 1)]
    feet = [ellipse((s * 0.18, 0.57), 0.12, 0.06) for s in (-1, 1)]
    raised = tube([(0.17, -0.02), (0.36, 0.06 - wave), (0.46, -0.12 - wave)], [0.085, 0.075, 0.075])
    lowered = tube([(-0.17, -0.02), (-0.34, 0.1), (-0.38, 0.28)], [0.085, 0.075, 0.075])
    tail = tube([
        (-0.1, 0.38), (-0.36, 0.44), (-0.55, 0.36), (-0.6 + sway, 0.18),
    ], [0.09, 0.075, 0.06, 0.035])  # fmt: skip
    skull = spline([
        (0.0, hy - 0.21), (0.18, hy - 0.15), (0.235, hy + 0.03), (0.15, hy + 0.17), (0.0, hy + 0.2),
        (-0.15, hy + 0.17), (-0.235, hy + 0.03), (-0.18, hy - 0.15),
    ])  # fmt: skip
    ear = spline([(-0.08, 0.06), (-0.06, -0.1), (0.01, -0.18), (0.07, -0.08), (0.08, 0.06)])
    ears = [place(ear, (s * 0.16, hy - 0.15), scale=0.9, angle=s * 0.5) for s in (-1, 1)]
    inner = [place(ear, (s * 0.165, hy - 0.15), scale=0.5, angle=s * 0.5) for s in (-1, 1)]
    return Body(
        rear=(tail,),
        core=(torso, *legs, *feet),
        limb=(raised, lowered),
        head=(skull, *ears),
        details=(
            *(("inner", each) for each in inner),
            ("nose", ellipse((0.0, hy + 0.055), 0.035, 0.025)),
        ),
        eyes=(((-0.1, hy - 0.02), 0.07), ((0.1, hy - 0.02), 0.07)),
        mouth=((0.0, hy + 0.1), 0.11),
        face_radius=0.22,
        crown=(0.0, hy - 0.18),
        forehead=(0.0, hy - 0.12),
        neck=((0.0, hy + 0.1), 0.3),
        back=[
            (-0.2, hy - 0.1), (-0.26, hy + 0.08), (-0.24, 0.0), (-0.28, 0.16), (-0.3, 0.32),
            (-0.42, 0.36), (-0.56, 0.3),
        ],
        tail=((-0.6 + sway, 0.14), -0.1),
        wing=((0.16, 0.0), 1.0),
        shell=((-0.3, 0.02), 0.26),
        belly=((0.0, 0.2), 0.16, 0.19, 0.0),
        frontal=True,
    )  # fmt: skip
