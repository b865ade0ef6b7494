"""Sessions in many languages: letters that are wide, carry marks, or run from right to left."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from builder.edits import model
from builder.edits.locks import Lock
from builder.edits.model import Edit, Proposal
from builder.review.findings import Measurements
from builder.review.loop import measure
from builder.review.view import Limit, View, look
from builder.scoring.evaluator import Evaluator, SplitData
from builder.scoring.statistics import Effect
from builder.session.records import (
    ClassInfo,
    Decided,
    Drafted,
    Exported,
    Locked,
    Noted,
    Proposed,
    Record,
    Redone,
    Reverted,
    RoundEnded,
    Undone,
    Unlocked,
)
from builder.session.state import fold
from builder.system.file import SplitName
from builder.system.model import AttributeGroup, AttributeSystem, make_system
from tests.chance import fixed_noise
from tests.terminal import sample


@dataclass(frozen=True)
class Tongue:
    """Words of one language: two groups with three options each, and two more of either."""

    domain: str
    classes: tuple[str, str, str, str]
    groups: tuple[str, str]
    prompts: tuple[str, str]
    first: tuple[str, str, str, str, str]
    second: tuple[str, str, str, str, str]
    note: str

    @property
    def texts(self) -> tuple[str, ...]:
        named = (*self.classes, *self.groups, *self.prompts, *self.first, *self.second)
        return (self.domain, self.note, *named)


TONGUES = {
    "Chinese": Tongue(
        "宝可梦卡片",
        ("皮卡丘", "超梦GX", "伊布（第3版）", "水箭龟 V2"),
        ("颜色", "背景"),
        ("它的颜色主要是{}。", "背景看起来像{}。"),
        ("黄色", "紫色", "棕色", "浅黄色", "深 黄色"),
        ("森林", "沙漠", "太空", "松树林", "竹林"),
        "请注意皮卡丘的尾巴：形状像闪电，共有3段，颜色比身体深。",
    ),
    "Japanese": Tongue(
        "ポケモンカード",
        ("ピカチュウ", "ミュウツーGX", "イーブイ 3", "ｶﾒｯｸｽ"),
        ("主な色", "背景"),
        ("主な色は{}です。", "背景は{}のようです。"),
        ("黄色", "むらさき", "茶色", "うすい黄色", "こい黄色"),
        ("森", "砂漠", "宇宙", "松の森", "竹やぶ"),
        "ピカチュウのしっぽは稲妻の形で、3つに折れています。",
    ),
    "Korean": Tongue(
        "포켓몬 카드",
        ("피카츄", "뮤츠 GX", "이브이 3", "거북왕"),
        ("색깔", "배경"),
        ("주로 {} 색입니다.", "배경은 {} 같습니다."),
        ("노란", "보라", "갈", "연한 노란", "진한 노란"),
        ("숲", "사막", "우주", "소나무 숲", "대나무 숲"),
        "피카츄의 꼬리는 번개 모양이고 3번 꺾입니다.",
    ),
    "Thai": Tongue(
        "การ์ดโปเกมอน",
        ("ปิกาจู", "มิวทู GX", "อีวุย 3", "คาเม็กซ์"),
        ("สี", "พื้นหลัง"),
        ("สีหลักคือสี{}", "พื้นหลังดูเหมือน{}"),
        ("เหลือง", "ม่วง", "น้ำตาล", "เหลืองอ่อน", "เหลืองเข้ม"),
        ("ป่าไม้", "ทะเลทราย", "อวกาศ", "ป่าสน", "ป่าไผ่"),
        "หางของปิกาจูมีรูปร่างเหมือนสายฟ้าและหักเป็นมุม3ครั้ง",
    ),
    "Hebrew": Tongue(
        "קלפי פוקימון",
        ("פיקאצ'ו", "מיוטו GX", "איווי 3", "בלסטויז (ישן)"),
        ("צבע הגוף", "רקע"),
        ("הצבע העיקרי הוא {}.", "הרקע נראה כמו {}."),
        ("צהוב", "סגול", "חום", "צהוב בהיר", "צהוב כהה"),
        ("יער", "מדבר", "חלל", "יער אורנים", "יער במבוק"),
        "שימו לב לזנב של פיקאצ'ו: צורתו כברק, ויש בו 3 כיפופים.",
    ),
    "Arabic": Tongue(
        "بطاقات بوكيمون",
        ("بيكاتشو", "ميوتو GX", "إيفي 3", "بلاستويز ٢"),
        ("اللون", "الخلفية"),
        ("لونه الأساسي {}.", "تبدو الخلفية مثل {}."),
        ("أصفر", "بنفسجي", "بنّي", "أصفر فاتح", "أصفر غامق"),
        ("غابة", "صحراء", "فضاء", "غابة صنوبر", "غابة خيزران"),
        "انتبه إلى ذيل بيكاتشو: شكله كالبرق، وله 3 زوايا.",
    ),
    "Hindi": Tongue(
        "पोकेमॉन कार्ड",
        ("पिकाचू", "म्यूटू GX", "ईवी 3", "ब्लास्टोइज़"),
        ("रंग", "पृष्ठभूमि"),
        ("इसका मुख्य रंग {} है।", "पृष्ठभूमि {} जैसी दिखती है।"),
        ("पीला", "बैंगनी", "भूरा", "हल्का पीला", "गहरा पीला"),
        ("जंगल", "रेगिस्तान", "अंतरिक्ष", "चीड़ का जंगल", "बाँस का जंगल"),
        "पिकाचू की पूँछ बिजली जैसी है और 3 जगह मुड़ती है।",
    ),
    "mixed": Tongue(
        "TCG 卡片 קלפים",
        ("Pikachu 皮卡丘", "פיקאצ'ו Pikachu 25", "ミュウツー מיוטו 150", "بيكاتشو [v2]"),
        ("צבע color", "背景 2"),
        ("The colour צבע is {}!", "背景 ({}) כמו"),
        ("red אדום", "אדום red 1", "50 % 白", "ורוד 3", "7 ירוק"),
        ("יער 4", "太空 space", "صحراء", "沙漠 9", "חלל/space"),
        'Mew (מיו) בצבע 粉红: see "ורוד", 3 פעמים',
    ),
}


def system(tongue: Tongue) -> AttributeSystem:
    """The images of the third class look as the rule of the second one says."""
    names, (color, place) = tongue.classes, tongue.groups
    groups = [
        AttributeGroup(name=color, prompt=tongue.prompts[0], options=tongue.first[:3]),
        AttributeGroup(name=place, prompt=tongue.prompts[1], options=tongue.second[:3]),
    ]
    one, two = tongue.first, tongue.second
    picks = ((one[0], two[0]), (one[1], two[1]), (one[2], two[2]), (one[0], two[2]))
    rules = {name: {color: c, place: p} for name, (c, p) in zip(names, picks, strict=True)}
    return make_system(tongue.domain, groups, rules)


@cache
def evaluator(tongue: Tongue) -> Evaluator:
    attributes = system(tongue)
    looks = []
    for chosen in attributes.rules.values():
        phrases = [group.phrase(chosen[group.name][0]) for group in attributes.groups]
        looks.append(sample.encode(phrases).sum(axis=0))
    looks[2] = looks[1]
    splits: dict[SplitName, SplitData] = {}
    names: tuple[SplitName, ...] = ("review", "held_out", "final")
    for split in names:
        vectors = np.repeat(np.stack(looks), 3, axis=0) + 0.02 * fixed_noise(split, (12, 64))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        labels = tuple(name for name in tongue.classes for _ in range(3))
        digests = tuple(f"{split}-{index}" for index in range(12))
        splits[split] = SplitData(digests, labels, vectors.astype(np.float32))
    return replace(sample.evaluator(), splits=splits, encode=sample.encode)


def edits(tongue: Tongue) -> list[tuple[Edit, ...]]:
    """Every kind of edit, each of which fits the system by itself."""
    a, b, c, d = tongue.classes
    (color, place), one, two = tongue.groups, tongue.first, tongue.second
    other = tongue.prompts[1]
    tail = AttributeGroup(name=f"{color} 2", prompt=other, options=two[3:])
    return [
        (model.SetRule(class_name=c, group=color, options=(one[1], one[2])),),
        (
            model.AddOption(group=place, option=two[3], position=1),
            model.SetRule(class_name=c, group=place, options=(two[3],)),
            model.SetRule(class_name=d, group=place, options=()),
        ),
        (model.AddGroup(group=tail, rules={a: (two[3],)}, position=0),),
        (model.DropOption(group=color, option=one[0], replacement=one[1]),),
        (
            model.SplitOption(
                group=color, option=one[0], into=one[3:], classes={a: one[3:4], d: one[4:]}
            ),
        ),
        (model.MergeOptions(group=place, options=two[:2], into=two[4]),),
        (model.RenameOption(group=color, option=one[2], to=one[3]),),
        (model.MoveOption(group=color, option=one[2], position=0),),
        (model.SetPrompt(group=color, prompt=other),),
        (model.RenameGroup(group=color, to=one[3]),),
        (model.MoveGroup(group=place, position=0), model.DropGroup(group=color)),
        (model.RenameClass(class_name=a, to=f"{a} 3"), model.MoveClass(class_name=b, position=0)),
        (model.AddClass(class_name=one[3], rules={color: one[:2], place: two[:1]}, position=1),),
        (model.DropClass(class_name=b),),
        (model.SetDomain(domain=tongue.note),),
    ]


def records(tongue: Tongue) -> list[Record]:
    """Three versions, the last with a class less, and every kind of decision."""
    start = sample.started(tongue.classes)
    start = start.model_copy(
        update={
            "domain": tongue.domain,
            "classes": tuple(ClassInfo(name=n, description=tongue.note) for n in tongue.classes),
        }
    )
    offers = [Proposal(edits=e, source="llm", reason=tongue.note) for e in edits(tongue)]
    first, second, third, *_ = offers
    judge, effect = evaluator(tongue), Effect(n=12, fixed=3, broken=1)
    lock = Lock(group=tongue.groups[1])
    records: list[Record] = [
        start,
        Drafted(system=system(tongue), source="some-model"),
        sample.measured(judge, system(tongue), 1),
        Proposed(round=1, asked=True, proposals=tuple(offers)),
        Decided(proposal=first, decision="accepted", by="person", effect=effect),
        Decided(proposal=second, decision="rejected", by="person", reason=tongue.note),
        Decided(proposal=third, decision="skipped", by="person"),
        Noted(text=tongue.note),
        Undone(of="last"),
        Redone(),
        Locked(lock=lock),
        Unlocked(lock=lock),
        Locked(lock=Lock(class_name=tongue.classes[3])),
        Locked(lock=Lock(class_name=tongue.classes[3], group=tongue.groups[1])),
        RoundEnded(round=1),
    ]
    attributes = fold(records).system
    assert attributes is not None
    records += [
        sample.measured(judge, attributes, 2),
        Proposed(round=2, asked=True, proposals=tuple(offers[1:])),
        Exported(path=f"/{tongue.domain}/x.json", version=2, images="f", final="101"),
        Reverted(version=1),
        Decided(proposal=offers[13], decision="accepted", by="person", effect=effect),
    ]
    step = fold(records).steps[-1]
    return [
        *records,
        measure(step, judge.for_step(step, None), 3),
        Decided(proposal=offers[3], decision="accepted", by="person", effect=effect),
    ]


@cache
def view(tongue: Tongue, kept: int = 17) -> View:
    """The screen after so many of the records: of the second round, unless there are more."""
    state = fold(records(tongue)[:kept])
    measurements = Measurements(evaluator(tongue), state.started)
    return look(state, measurements, can_ask=True, limit=Limit(2))
