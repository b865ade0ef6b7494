"""What the other sections say, read as text."""

from dataclasses import replace

from builder.edits.model import Proposal, RenameOption, SetDomain
from builder.report.chosen_failures import most_misleading
from builder.report.contents import Contents
from builder.report.page import drawn
from builder.session.records import (
    Decided,
    Exported,
    Measured,
    Optimised,
    Rescored,
    Reverted,
    RulesTried,
    Undone,
)
from builder.system.model import AttributeSystem, Scoring
from tests.report.sample import World, small_world, system_of
from tests.report.test_templates import Reader
from tests.worlds import DRAFT, GOOD

WORLD = small_world()


def section(name: str, contents: Contents) -> str:
    system, measured = contents.system, contents.measured
    return drawn(name, contents=contents, system=system, measured=measured)


def text(name: str, contents: Contents) -> str:
    return Reader(section(name, contents)).text


def told(name: str, system: AttributeSystem) -> str:
    return Reader(drawn(name, system=system)).text


def test_each_version_tells_what_led_to_it() -> None:
    said = text("versions", WORLD.contents())
    first, second = said.split("Version 1 ")[-1].split("Version 2 ")
    assert "The first system that was measured." in first
    group, name = WORLD.system.groups[0], WORLD.system.classes[0]
    (right,) = WORLD.system.rules[name][group.name]
    assert f"{name} · {group.name}: " in second
    assert f"-> {right}" in second
    assert "from the data · on review +5.0 pp (4 fixed, 1 broken)" in second
    assert "Against version 1: " in second
    assert "onfirmed against version 1: " in second
    assert "needed p < 0.05." in second
    assert "no better" in second


def test_returns_what_was_taken_back_and_what_is_not_measured() -> None:
    contents = WORLD.contents(images=False)
    said = text("versions", replace(contents, story=WORLD.story(Reverted(version=1))))
    since = said.split("Since then")[1]
    assert "Back to version 1." in since
    assert "taken back · from the data" in since
    group = WORLD.system.groups[0]
    old = group.options[0]
    edit = RenameOption(group=group.name, option=old, to="another")
    proposal = Proposal(edits=(edit,), source="person")
    decided = Decided(proposal=proposal, decision="accepted", by="person")
    said = text("versions", replace(contents, story=WORLD.story(decided)))
    since = said.split("Since then, not measured yet")[1]
    assert f'rename option "{old}" to "another"by hand · not measured' in since


def test_versions_on_other_images_are_not_compared() -> None:
    contents = WORLD.contents(images=False)
    record = Measured(version=3, images="others", review="10", held_out="10")
    said = text("versions", replace(contents, story=WORLD.story(record)))
    assert "Measured on other images than version 2." in said


def test_the_top_says_how_far_the_final_figure_can_be_trusted() -> None:
    contents = WORLD.contents()
    assert "Looked at once" in text("opening", contents)
    version = contents.version
    assert version
    again = Exported(path="x", version=version.number, images="others", final="1011")
    twice = replace(contents, story=WORLD.story(again))
    assert "Looked at 2 times: no longer an untouched estimate." in text("opening", twice)
    rescored = WORLD.story(Rescored(scoring=Scoring(rule="log")))
    assert "for another version or scoring" in text("opening", replace(contents, story=rescored))
    back = WORLD.story(Rescored(scoring=Scoring(rule="log")), Undone(of="last"))
    assert "Looked at once" in text("opening", replace(contents, story=back))
    other = Exported(path="x", version=99, images="others", final="1011")
    assert "measured on, but for another version or scoring" in text(
        "opening", replace(contents, story=WORLD.story(other))
    )


def test_the_top_compares_with_bare_names_and_with_their_best_spelling() -> None:
    contents = WORLD.contents()
    assert contents.measured
    baselines = contents.measured.findings.baselines
    best = max(baselines, key=lambda name: int(baselines[name].correct.sum()))
    assert best != "name"
    said = text("opening", contents)
    assert f"Bare names{100 * baselines['name'].accuracy:.1f} %" in said
    assert f"Names as {best}{100 * baselines[best].accuracy:.1f} %" in said
    assert said.count(f"the best way of {len(baselines)}.") == 1
    assert "The system: +" in said
    assert "A warning" in said


def test_groups_are_told_as_they_were_measured() -> None:
    contents = WORLD.contents()
    measured = contents.measured
    assert measured
    said = text("groups", contents)
    for report in measured.findings.groups:
        assert report.name in said
        assert f"{100 * report.alone.fraction:.1f} %" in said
        assert report.without
        assert f"({report.without.fixed} fixed, {report.without.broken} broken, " in said
        assert f"{report.name}{report.verdict.words()}" in said
    assert "What the columns meanverdictwhat the measures come toalonereview" in said


def test_redundancy_is_told_both_ways() -> None:
    made = drawn("redundancy", system=GOOD)
    # colour has 0.92 bits, form 0.92; together 1.58, so that they share 0.25.
    assert "form tells 0.25 of the 0.92 bits of colour" in made
    assert "colour tells 0.92 bits about the class" in made


def test_the_system_is_told_with_its_weak_spots() -> None:
    said = told("system", DRAFT)
    assert "It looks like {}." in said
    assert "With these rules alone no encoder can exceed 66.7 %." in said
    assert "Rules of 3 classes" in said
    assert "a fish 0" in said


def test_no_option_and_several_options() -> None:
    group = GOOD.groups[0].name
    rules = {"Beedrill δ": {**GOOD.rules["Beedrill δ"], group: ("red", "blue")}}
    rules['Celebi & "Co"'] = {**GOOD.rules['Celebi & "Co"'], group: ()}
    said = told("system", GOOD.with_rules(rules))
    assert "Beedrill δred or blue" in said
    assert 'Celebi & "Co"–' in said


def folded(size: int) -> bool:
    system: AttributeSystem = system_of([f"c{n}" for n in range(size)], 2, 8)
    return "<details open><summary>Rules of" not in drawn("system", system=system)


def test_many_rules_are_folded() -> None:
    assert not folded(30)
    assert folded(31)


def test_the_gallery_shows_the_worst_and_why() -> None:
    contents = World(system_of(("a", "b", "c", "d", "e"), 3, 3), 60, 1.2).contents()
    measured = contents.measured
    assert measured
    made = section("failures", contents)
    assert made.count("<li>") == 24 < measured.failures.count
    cell, case = measured.failures.worst[0]
    first = made.split("<li>")[1]
    assert f'href="#{cell.id}"' in first
    seen = most_misleading(case)
    assert seen
    assert f"{case.label} taken for {case.predicted}{seen.group}: {seen.seen}" in Reader(first).text
    assert all(seen.p_predicted - (seen.p_ruled or 0) >= g.p_predicted - (g.p_ruled or 0)
               for g in case.groups)  # fmt: skip


def test_provenance() -> None:
    contents = WORLD.contents()
    said = text("provenance", contents)
    assert "Imagescards" in said
    assert "from 10 % to 90 % across, from 20 % to 80 % down" in said
    assert "32 review, 32 held-out, 16 final (seed 0)" in said
    assert "Looks at held-out2 times" in said
    tried = RulesTried(version=2, images="held-out", rules=7)
    more = replace(contents, story=WORLD.story(tried))
    assert "Looks at held-out9 times" in text("provenance", more)
    assert "Looks at final1 time" in said
    assert "Encodersample, revision 1" in said
    assert "sum, at the encoder's own scale (20.0)" in said
    assert "Language modelnone" in said
    run = Optimised(optimiser="gepa", llm="replay:/x/y.jsonl", seed=0, measured=1000, reason="over")
    evolved = replace(contents, story=WORLD.story(run, run))
    assert "Language modelreplay:y.jsonl" in text("provenance", evolved)
    assert "Changes tried2,0" in text("provenance", evolved)
    assert "First systemsample" in said
    assert "2026-01-01 00:00:00 UTC, by cotbuild 0.1" in said


def test_without_a_decision_by_a_person_it_says_so() -> None:
    contents = WORLD.contents(images=False)
    assert "accepted automatically" not in text("versions", contents)
    (decided,) = (d for d in contents.state.decisions if d.decision == "accepted")
    other = Proposal(edits=(SetDomain(domain="beast"),), source="llm")
    auto = decided.model_copy(update={"by": "auto", "proposal": other})
    story = WORLD.story(auto)
    assert "accepted automatically" in text("versions", replace(contents, story=story))
