"""The one program under range test, sweep and tune.

From the ground up: plans, batches, a `Training` and `Settings` are what the caller brings.
`_traced` turns the caller's functions into jaxprs; `_program` makes of them the program that trains
a population, and `_memory` compiles it for as many members as fit. A `Trainer` trains some
members by it and keeps the `Record`; an `Engine` makes trainers, and is all that is used above.
"""

from ._batches import (
    Batches as Batches,
    batches_of as batches_of,
)
from ._engine import (
    Engine as Engine,
    Executables as Executables,
)
from ._memory import (
    require_room as require_room,
)
from ._plans import (
    PlanStack as PlanStack,
    by_name as by_name,
    stacked_plans as stacked_plans,
)
from ._settings import (
    Settings as Settings,
)
from ._trainer import (
    Members as Members,
    Record as Record,
    Trainer as Trainer,
    lowest as lowest,
)
from ._training import (
    LossState as LossState,
    PlanLike as PlanLike,
    Training as Training,
    require_keywords as require_keywords,
    require_training as require_training,
)
