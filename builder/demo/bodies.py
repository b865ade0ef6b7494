"""The eight forms and what draws each; proportions and poses vary from call to call."""

from collections.abc import Callable

import numpy as np

from builder.demo.anatomy import Body
from builder.demo.frontals import biped, blob, octopus
from builder.demo.profiles import bird, fish, insect, quadruped, snake

BODIES: dict[str, Callable[[np.random.Generator], Body]] = {
    "quadruped": quadruped,
    "bird": bird,
    "fish": fish,
    "snake": snake,
    "blob": blob,
    "octopus": octopus,
    "insect": insect,
    "biped": biped,
}
