"""Train the miniature encoder on drawn creatures: `python -m builder.demo.train --out FILE`.

Two phases. First the vision net alone learns to name attributes through auxiliary heads; then both
nets learn together: the heads, groups of prompts used exactly as a system uses them, captions, and
phrases that cover several values. Contrastive training from scratch leaves shape, features and
pattern at chance, hence the first phase. The deck's attribute combinations are never drawn here.
With one thread count and torch version a run repeats bit for bit.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from builder.demo import grammar
from builder.demo.art import draw_art
from builder.demo.attributes import ATTRIBUTES, Creature
from builder.demo.deck import CLASSES
from builder.encoders import miniature
from builder.encoders.miniature import TextNet, VisionNet

NAMES = list(ATTRIBUTES)
HELD_OUT = frozenset(deck_class.creature for deck_class in CLASSES)
MAX_NUISANCE = 2.0
ART_SIZES = (96, 128, 168)  # pixels; cards show their art at various sizes
SHIFT = 3  # pixels of random translation, in place of an exact crop

Pixels = NDArray[np.uint8]
Values = NDArray[np.int64]


def random_creature(rng: np.random.Generator) -> Creature:
    """A creature with every attribute uniform, but never a combination of the deck's."""
    while True:
        creature = Creature(*(v[int(rng.integers(len(v)))] for v in ATTRIBUTES.values()))
        if creature not in HELD_OUT:
            return creature


def _draw(seed: tuple[int, int]) -> tuple[Pixels, list[int]]:
    rng = np.random.default_rng(seed)
    creature = random_creature(rng)
    nuisance, size = rng.uniform(0.0, MAX_NUISANCE), ART_SIZES[int(rng.integers(len(ART_SIZES)))]
    art = draw_art(creature, rng, nuisance=nuisance, size=size)
    values = zip(ATTRIBUTES.values(), astuple(creature), strict=True)
    return miniature.pixels_of(art), [options.index(value) for options, value in values]


def draw_pool(count: int, seed: int, workers: int) -> tuple[Pixels, Values]:
    """`count` drawings: pixels uint8 [count, 72, 72, 3] and value indices int64 [count, 6]."""
    with ProcessPoolExecutor(workers) as pool:
        drawn = list(pool.map(_draw, [(seed, i) for i in range(count)], chunksize=64))
    return np.stack([pixels for pixels, _ in drawn]), np.array([values for _, values in drawn])


class Heads(nn.Module):
    """One linear classifier an attribute on the image features; training only."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Linear(miniature.DIMENSIONS, len(each)) for each in ATTRIBUTES.values()
        )

    def loss(self, features: Tensor, values: Tensor) -> Tensor:
        """Mean cross-entropy over attributes; features [n, 256], values [n, 6]."""
        loss = nn.CrossEntropyLoss(label_smoothing=0.02)
        losses = [loss(head(features), values[:, i]) for i, head in enumerate(self.heads)]
        return torch.stack(losses).mean()


class Scales(nn.Module):
    """Learned factors on cosines, as logarithms, and the bias of the phrase loss."""

    def __init__(self) -> None:
        super().__init__()
        self.group, self.caption, self.phrase = (nn.Parameter(torch.tensor(2.5)) for _ in range(3))
        self.phrase_bias = nn.Parameter(torch.tensor(-4.0))


def members(phrases: list[grammar.Phrase]) -> Tensor:
    """bool [phrases, values]: which values of their one attribute each phrase is true of."""
    values = ATTRIBUTES[phrases[0].attribute]
    return torch.tensor([[value in phrase.values for value in values] for phrase in phrases])


def multi_positive(logits: Tensor, positive: Tensor) -> Tensor:
    """Mean over rows with a positive of -log (share of the softmax that falls on positives)."""
    rows = positive.any(1)
    on_positive = logits.masked_fill(~positive, -1e9)[rows].logsumexp(1)
    return (logits[rows].logsumexp(1) - on_positive).mean()


def group_loss(
    images: Tensor, texts: Tensor, groups: list[list[grammar.Phrase]], values: Tensor
) -> Tensor:
    """Softmax over each group's options, as when a system is scored; texts in groups' order."""
    losses, start = [], 0
    for phrases in groups:
        column = NAMES.index(phrases[0].attribute)
        logits = images @ texts[start : start + len(phrases)].T
        losses.append(multi_positive(logits, members(phrases)[:, values[:, column]].T))
        start += len(phrases)
    return torch.stack(losses).mean()


def caption_loss(logits: Tensor, mentioned: Tensor, values: Tensor) -> Tensor:
    """Contrast of images and captions; logits [image, caption], mentioned bool [caption, 6].

    Caption j was written for image j and fits every image that agrees in what it mentions.
    """
    agree = values[:, None, :] == values[None, :, :]
    positive = (agree | ~mentioned[None, :, :]).all(2)
    return multi_positive(logits, positive) + multi_positive(logits.T, positive.T)


def phrase_loss(logits: Tensor, phrases: list[grammar.Phrase], values: Tensor) -> Tensor:
    """Is phrase j true of image i? Positives and negatives of a phrase weigh the same."""
    columns = [NAMES.index(phrase.attribute) for phrase in phrases]
    truth = torch.stack(
        [members([p])[0][values[:, c]] for p, c in zip(phrases, columns, strict=True)], dim=1
    ).float()
    each = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    positive = (each * truth).sum(0) / truth.sum(0).clamp(min=1)
    negative = (each * (1 - truth)).sum(0) / (1 - truth).sum(0).clamp(min=1)
    return (positive + negative).mean() / 2


def batches(
    pool: tuple[Pixels, Values], size: int, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless shuffled batches: pixels float [size, 3, 72, 72] in 0..1, values int64 [size, 6]."""
    pixels, values = pool
    while True:
        order = rng.permutation(len(pixels))
        for start in range(0, len(order) - size + 1, size):
            rows = order[start : start + size]
            yield _jittered(pixels[rows], rng), torch.from_numpy(values[rows])


def _jittered(pixels: Pixels, rng: np.random.Generator) -> Tensor:
    """Each image shifted by a few pixels, and its channels made a little brighter or darker."""
    padded = np.pad(pixels, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge")
    side = pixels.shape[1]
    shifts = rng.integers(0, 2 * SHIFT + 1, (len(pixels), 2))
    pairs = zip(padded, shifts, strict=True)
    moved = [image[dy : dy + side, dx : dx + side] for image, (dy, dx) in pairs]
    gain = torch.from_numpy(rng.uniform(0.94, 1.06, (len(pixels), 3, 1, 1)).astype(np.float32))
    floats = torch.from_numpy(np.stack(moved)).permute(0, 3, 1, 2).float() / 255.0
    return (floats * gain).clamp(0.0, 1.0)


def optimise(
    nets: nn.Module, steps: int, learning_rate: float, step_loss: Callable[[], Tensor]
) -> None:
    """AdamW with warm-up and cosine decay on `step_loss`, its mean printed now and then."""
    decayed = [p for p in nets.parameters() if p.ndim > 1]
    others = [p for p in nets.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=learning_rate, total_steps=steps, pct_start=0.1, cycle_momentum=False
    )
    recent, started = [], time.monotonic()
    for step in range(1, steps + 1):
        loss = step_loss()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(nets.parameters(), 3.0)
        optimiser.step()
        schedule.step()
        recent.append(loss.item())
        if step % 100 == 0 or step == steps:
            seconds = time.monotonic() - started
            print(f"  step {step}/{steps}  loss {np.mean(recent):.3f}  {seconds:.0f} s", flush=True)
            recent.clear()


def train(
    pool: tuple[Pixels, Values], seed: int, head_steps: int, joint_steps: int
) -> tuple[VisionNet, TextNet, float]:
    """Both phases on a pool of drawings -> the two nets and the factor on cosines."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    vision, heads, scales = VisionNet(), Heads(), Scales()
    vocabulary = sorted(
        {word for text in grammar.every_text() for word in miniature.words_of(text)}
    )
    text = TextNet(vocabulary, word_dropout=0.15)

    print("phase 1: attribute heads")
    small = batches(pool, 64, rng)

    def heads_alone() -> Tensor:
        pixels, values = next(small)
        return heads.loss(vision(pixels), values)

    optimise(nn.ModuleList([vision, heads]), head_steps, 3e-3, heads_alone)

    print("phase 2: images and texts")
    large = batches(pool, 128, rng)

    def together() -> Tensor:
        pixels, values = next(large)
        groups = [grammar.group(a, rng) for a in ATTRIBUTES for _ in range(2)]
        captions = [grammar.caption(_creature(row), rng) for row in values.tolist()]
        phrases = [grammar.generic(rng) for _ in range(48)]
        options = [phrase.text for phrases in groups for phrase in phrases]
        features = vision(pixels)
        images = functional.normalize(features, dim=1)
        # Captions are long, the rest short: apart they need less padding.
        short = functional.normalize(text([*options, *(p.text for p in phrases)]), dim=1)
        of_caption = functional.normalize(text([words for words, _ in captions]), dim=1)
        of_group, of_phrase = short[: len(options)], short[len(options) :]
        mentioned = torch.tensor([[a in m for a in ATTRIBUTES] for _, m in captions])
        phrase_logits = scales.phrase.exp() * images @ of_phrase.T + scales.phrase_bias
        return (
            heads.loss(features, values)
            + group_loss(scales.group.exp() * images, of_group, groups, values)
            + 0.3 * caption_loss(scales.caption.exp() * images @ of_caption.T, mentioned, values)
            + phrase_loss(phrase_logits, phrases, values)
        )

    optimise(nn.ModuleList([vision, heads, scales, text]), joint_steps, 2e-3, together)
    return vision.eval(), text.eval(), scales.group.exp().item()


def _creature(values: list[int]) -> Creature:
    return Creature(*(o[v] for o, v in zip(ATTRIBUTES.values(), values, strict=True)))


@torch.inference_mode()
def prompt_accuracy(
    vision: VisionNet, text: TextNet, pool: tuple[Pixels, Values], seed: int, draws: int = 20
) -> dict[str, float]:
    """Per attribute: how often a random group's best prompt is the right one, on fresh drawings."""
    rng = np.random.default_rng(seed)
    pixels = torch.from_numpy(pool[0]).permute(0, 3, 1, 2).float() / 255.0
    values = torch.from_numpy(pool[1])
    images = functional.normalize(vision(pixels), dim=1)
    accuracy = {}
    for column, attribute in enumerate(ATTRIBUTES):
        hits = []
        for _ in range(draws):
            phrases = grammar.group(attribute, rng)
            options = functional.normalize(text([p.text for p in phrases]), dim=1)
            best = (images @ options.T).argmax(1)
            hits.append(members(phrases)[best, values[:, column]].float().mean())
        accuracy[attribute] = float(torch.stack(hits).mean())
    return accuracy


def main() -> None:
    """Draw, train, report on fresh drawings, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file to write")
    parser.add_argument("--drawings", type=int, default=22_000)
    parser.add_argument("--head-steps", type=int, default=1400, help="of 64 images")
    parser.add_argument("--joint-steps", type=int, default=700, help="of 128 images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()

    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(given.threads)
    started = time.monotonic()
    pool = draw_pool(given.drawings, given.seed, given.threads)
    print(f"{given.drawings} drawings in {time.monotonic() - started:.0f} s", flush=True)
    vision, text, scale = train(pool, given.seed, given.head_steps, given.joint_steps)
    miniature.save_miniature(given.out, vision, text, scale)
    fresh = draw_pool(1000, given.seed + 1, given.threads)
    for attribute, accuracy in prompt_accuracy(vision, text, fresh, given.seed).items():
        print(f"{attribute:8} {accuracy:6.1%} of fresh drawings (nuisance 0 to {MAX_NUISANCE:g})")
    print(f"{time.monotonic() - started:.0f} s in all, factor on cosines {scale:.1f}")


if __name__ == "__main__":
    main()
