"""Bodies seen from the side: quadruped, bird, fish, snake and insect."""

from builder.demo.anatomy import GROUND, Body, jitter
from builder.demo.raster import Rng
from builder.demo.shapes import Points, ellipse, place, spline, tube


def quadruped(rng: Rng) -> Body:
    lift, stretch, swing = jitter(rng, 0.04), jitter(rng, 0.03), jitter(rng, 0.07)
    curl = rng.uniform(-0.08, 0.16)
    hx, hy = 0.36 + stretch, -0.27 + lift
    torso = spline([
        (-0.42 - stretch, 0.02), (-0.3, -0.12), (-0.05, -0.1), (0.18, -0.16), (0.33, 0.0),
        (0.27, 0.24), (0.02, 0.29), (-0.24, 0.27), (-0.41, 0.2),
    ])  # fmt: skip
    neck = tube([(0.14, 0.05), (0.26, -0.1), (hx - 0.02, hy)], [0.17, 0.14, 0.13])
    tail = tube([
        (-0.38, 0.06), (-0.53, 0.0), (-0.63 + curl * 0.3, -0.16), (-0.58 + curl, -0.34),
    ], [0.07, 0.06, 0.06, 0.035])  # fmt: skip
    legs = [(0.17, swing, 0.0), (-0.31, -swing * 0.7, -0.04)]
    near = [_leg(x, 0.14, s, 0.07, k) for x, s, k in legs]
    near += [_paw(x + s, 0.075) for x, s, _ in legs]
    far = [_leg(x + 0.12, 0.14, -s, 0.065, k) for x, s, k in legs]
    far += [_paw(x + 0.12 - s, 0.07) for x, s, _ in legs]
    skull = ellipse((hx, hy), 0.205, 0.19)
    snout = tube([(hx + 0.08, hy + 0.06), (hx + 0.23, hy + 0.08)], [0.12, 0.085])
    ear = spline([(-0.08, 0.05), (-0.085, -0.12), (-0.03, -0.21), (0.05, -0.1), (0.075, 0.04)])
    pose = jitter(rng, 0.2) - 0.25
    near_ear = place(ear, (hx - 0.09, hy - 0.13), angle=pose)
    far_ear = place(ear, (hx + 0.07, hy - 0.14), scale=0.9, angle=pose + 0.35)
    inner = place(ear, (hx - 0.09, hy - 0.13), scale=0.55, angle=pose)
    return Body(
        rear=(*far, far_ear),
        core=(torso, neck, tail, *near),
        head=(skull, snout, near_ear),
        details=(("inner", inner), ("nose", ellipse((hx + 0.3, hy + 0.04), 0.04, 0.032))),
        eyes=(((hx + 0.06, hy - 0.025), 0.07),),
        mouth=((hx + 0.2, hy + 0.125), 0.12),
        face_radius=0.2,
        crown=(hx - 0.01, hy - 0.17),
        forehead=(hx + 0.1, hy - 0.15),
        tilt=0.25,
        neck=((hx - 0.12, hy + 0.15), 0.27),
        back=[
            (0.16, -0.2), (0.02, -0.13), (-0.15, -0.12), (-0.3, -0.11), (-0.43, -0.02),
            (-0.54, -0.05), (-0.62, -0.17),
        ],
        tail=((-0.58 + curl, -0.36), curl * 2),
        wing=((-0.06, -0.04), 1.0),
        shell=((-0.14, -0.15), 0.25),
        belly=((0.02, 0.2), 0.3, 0.12, 0.0),
    )  # fmt: skip


def _leg(x: float, top: float, swing: float, radius: float, knee: float = 0.0) -> Points:
    foot = x + swing
    middle = (x + swing * 0.4 + knee, (top + GROUND) / 2)
    return tube([(x, top), middle, (foot, GROUND - radius)], [radius * 1.35, radius])


def _paw(x: float, radius: float) -> Points:
    return ellipse((x + radius * 0.45, GROUND - radius * 0.75), radius * 1.5, radius * 0.95)


def bird(rng: Rng) -> Body:
    lift, plump = jitter(rng, 0.04), jitter(rng, 0.03)
    hx, hy = 0.27, -0.28 + lift
    torso = spline([
        (0.24, -0.2 + lift), (0.36, 0.04), (0.24, 0.3 + plump), (-0.06, 0.36 + plump),
        (-0.32, 0.22), (-0.3, 0.02), (-0.06, -0.1),
    ])  # fmt: skip
    fan = [
        tube([(-0.24, 0.16), (-0.46, 0.2 + d * 0.6), (-0.66, 0.18 + d)], [0.07, 0.06, 0.045])
        for d in (-0.12, 0.0, 0.12)
    ]
    raised = rng.uniform(-0.15, 0.1)
    wing = spline([
        (0.12, -0.02), (0.1, 0.16), (-0.06, 0.25), (-0.28, 0.24 + raised), (-0.42, 0.1 + raised),
        (-0.26, 0.06 + raised * 0.5), (-0.1, -0.04),
    ])  # fmt: skip
    crest = [
        tube([(hx - 0.02, hy - 0.14), (hx - 0.1, hy - 0.24), tip], [0.035, 0.02, 0.01])
        for tip in ((hx - 0.22, hy - 0.26), (hx - 0.15, hy - 0.31))
    ]
    skull = ellipse((hx, hy), 0.215, 0.205)
    beak = spline([
        (hx + 0.15, hy - 0.06), (hx + 0.29, hy - 0.01), (hx + 0.38, hy + 0.07),
        (hx + 0.27, hy + 0.07), (hx + 0.15, hy + 0.09),
    ], steps=4)  # fmt: skip
    step = jitter(rng, 0.05)
    feet = [_bird_leg(0.1 + step, 0.33), _bird_leg(-0.06 - step, 0.34)]
    return Body(
        rear=tuple(fan),
        core=(torso,),
        limb=(wing,),
        head=(skull, *crest),
        details=(("beak", beak), *(("foot", foot) for leg in feet for foot in leg)),
        eyes=(((hx + 0.07, hy - 0.04), 0.072),),
        mouth=((hx + 0.26, hy + 0.05), 0.0),
        face_radius=0.21,
        crown=(hx - 0.01, hy - 0.18),
        forehead=(hx + 0.1, hy - 0.16),
        tilt=0.2,
        neck=((hx - 0.06, hy + 0.17), 0.27),
        back=[
            (0.1, -0.2), (0.0, -0.12), (-0.12, -0.08), (-0.24, -0.02), (-0.34, 0.06),
            (-0.46, 0.08),
        ],
        tail=((-0.68, 0.16), -0.9),
        wing=((-0.06, 0.02), 1.05),
        shell=((-0.18, 0.02), 0.25),
        belly=((0.16, 0.2), 0.18, 0.17, -0.5),
    )  # fmt: skip


def _bird_leg(x: float, top: float) -> list[Points]:
    shin = tube([(x, top), (x - 0.02, GROUND - 0.03)], [0.024, 0.02], steps=2)
    toes = [
        tube([(x - 0.02, GROUND - 0.03), (x - 0.02 + d, GROUND)], [0.02, 0.014], steps=2)
        for d in (-0.08, 0.03, 0.11)
    ]
    return [*toes, shin]


def fish(rng: Rng) -> Body:
    tall, wag = jitter(rng, 0.04), jitter(rng, 0.08)
    torso = spline([
        (0.5, 0.02), (0.4, -0.16), (0.14, -0.3 - tall), (-0.16, -0.22), (-0.38, -0.05),
        (-0.38, 0.08), (-0.16, 0.26), (0.14, 0.33 + tall), (0.4, 0.2),
    ])  # fmt: skip
    tail = spline([
        (-0.3, 0.01), (-0.5, -0.14 + wag), (-0.68, -0.28 + wag), (-0.7, -0.14 + wag),
        (-0.58, 0.02 + wag), (-0.7, 0.18 + wag), (-0.68, 0.32 + wag), (-0.5, 0.18 + wag),
    ], steps=4)  # fmt: skip
    dorsal = spline([
        (0.22, -0.24 - tall), (0.08, -0.44 - tall), (-0.16, -0.42), (-0.26, -0.16),
    ], steps=5)  # fmt: skip
    ventral = spline([(0.06, 0.26), (-0.08, 0.48), (-0.24, 0.44), (-0.2, 0.2)], steps=5)
    fin = spline([(0.12, 0.08), (0.02, 0.06), (-0.14, 0.12), (-0.16, 0.26), (-0.02, 0.24)], steps=5)
    ray = [tube([(0.07, 0.11), (-0.11, y)], [0.008, 0.008], steps=2) for y in (0.16, 0.22)]
    return Body(
        rear=(tail, dorsal, ventral),
        core=(torso,),
        limb=(fin,),
        details=tuple(("crease", r) for r in ray),
        eyes=(((0.31, -0.05), 0.08),),
        mouth=((0.43, 0.12), 0.11),
        face_radius=0.25,
        crown=(0.22, -0.25),
        forehead=(0.34, -0.2),
        tilt=0.45,
        neck=((0.08, 0.02), 0.27),
        back=[
            (0.3, -0.24), (0.14, -0.3 - tall), (-0.02, -0.28), (-0.16, -0.22), (-0.28, -0.13),
            (-0.4, -0.06),
        ],
        tail=((-0.66, 0.02 + wag), -1.35),
        wing=((0.02, -0.06), 0.95),
        shell=((-0.04, -0.22), 0.25),
        belly=((0.1, 0.24), 0.32, 0.13, -0.05),
        floating=True,
    )  # fmt: skip


def snake(rng: Rng) -> Body:
    sway, lift = jitter(rng, 0.05), jitter(rng, 0.03)
    hx, hy = 0.24 + sway, -0.36 + lift
    trunk = tube([
        (hx - 0.04, hy), (hx - 0.22, hy - 0.04), (-0.27, -0.24), (-0.14, -0.02), (0.14, 0.06),
    ], [0.12, 0.12, 0.13, 0.14, 0.145], steps=7)  # fmt: skip
    coil = tube([
        (0.02, 0.02), (0.3, 0.12), (0.4, 0.3), (0.2, 0.45), (-0.15, 0.47), (-0.42, 0.47),
        (-0.6, 0.34), (-0.66 - sway * 0.5, 0.16),
    ], [0.14, 0.15, 0.15, 0.145, 0.12, 0.09, 0.055, 0.02], steps=7)  # fmt: skip
    skull = spline([
        (hx - 0.15, hy), (hx - 0.06, hy - 0.17), (hx + 0.12, hy - 0.15), (hx + 0.29, hy + 0.0),
        (hx + 0.24, hy + 0.11), (hx + 0.04, hy + 0.16),
    ])  # fmt: skip
    fork = tube([(hx + 0.24, hy + 0.07), (hx + 0.36, hy + 0.1)], [0.016, 0.012], steps=3)
    tips = [
        tube([(hx + 0.35, hy + 0.1), (hx + 0.44, hy + 0.1 + d)], [0.014, 0.006], steps=3)
        for d in (-0.05, 0.05)
    ]
    return Body(
        rear=(),
        core=(trunk, coil),
        head=(skull,),
        details=tuple(("tongue", part) for part in (fork, *tips)),
        eyes=(((hx + 0.08, hy - 0.03), 0.07),),
        mouth=((hx + 0.18, hy + 0.075), 0.13),
        face_radius=0.19,
        crown=(hx, hy - 0.15),
        forehead=(hx + 0.12, hy - 0.13),
        tilt=0.2,
        neck=((hx - 0.15, hy + 0.0), 0.25),
        back=[
            (hx - 0.1, hy - 0.13), (hx - 0.24, hy - 0.15), (-0.38, -0.32), (-0.38, -0.14),
            (-0.22, 0.06), (-0.02, 0.16),
        ],
        tail=((-0.67 - sway * 0.5, 0.12), -0.1),
        wing=((-0.2, -0.16), 0.95),
        shell=((-0.26, 0.24), 0.25),
        belly=((0.05, 0.5), 0.5, 0.09, 0.0),
    )  # fmt: skip


def insect(rng: Rng) -> Body:
    lift, fat = jitter(rng, 0.04), jitter(rng, 0.03)
    hx, hy = 0.42, -0.1 + lift
    abdomen = spline([
        (-0.02, 0.06), (-0.16, -0.14 - fat), (-0.42, -0.16), (-0.64, 0.02), (-0.5, 0.22),
        (-0.24, 0.28 + fat), (-0.04, 0.2),
    ])  # fmt: skip
    thorax = ellipse((0.1, 0.08), 0.17, 0.155)
    skull = ellipse((hx, hy), 0.185, 0.175)
    neck = tube([(0.18, 0.06), (hx, hy)], [0.1, 0.1], steps=2)
    stride = jitter(rng, 0.05)
    near = [
        tube([(x, 0.14), (x + out * 0.75, 0.2), (x + out + s, GROUND)], [0.04, 0.034, 0.022])
        for x, out, s in ((0.17, 0.36, stride), (0.07, 0.02, -stride), (-0.02, -0.36, stride))
    ]
    far = [
        tube([(x, 0.14), (x + out * 0.75, 0.16), (x + out - s, GROUND - 0.06)], [0.034, 0.02])
        for x, out, s in ((0.2, 0.5, stride), (0.14, 0.14, -stride), (0.0, -0.16, stride))
    ]
    feelers = []
    for d in (0.0, 0.1):
        feeler = [(hx + 0.06, hy - 0.13), (hx + 0.1 + d, hy - 0.3), (hx + 0.22 + d, hy - 0.36)]
        feelers.append(tube(feeler, [0.02, 0.016, 0.026]))
    jaw = tube([(hx + 0.13, hy + 0.1), (hx + 0.22, hy + 0.17)], [0.03, 0.012], steps=3)
    return Body(
        rear=tuple(far),
        core=(abdomen, thorax, neck),
        limb=tuple(near),
        head=(skull, jaw, *feelers),
        eyes=(((hx + 0.07, hy - 0.02), 0.088),),
        mouth=((hx + 0.1, hy + 0.1), 0.08),
        face_radius=0.18,
        crown=(hx - 0.05, hy - 0.14),
        forehead=(hx + 0.05, hy - 0.15),
        tilt=0.15,
        neck=((0.25, 0.02), 0.26),
        back=[
            (0.16, -0.06), (0.04, -0.04), (-0.08, -0.08), (-0.24, -0.16), (-0.4, -0.17),
            (-0.54, -0.1),
        ],
        tail=((-0.66, 0.02), -1.0),
        wing=((0.04, -0.04), 1.0),
        shell=((-0.28, -0.1), 0.26),
        belly=((-0.26, 0.19), 0.24, 0.1, 0.0),
    )  # fmt: skip
