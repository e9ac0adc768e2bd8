"""The one program under range test, sweep and tune."""

from ._batches import (
    Batches as Batches,
    batches_of as batches_of,
)
from ._engine import (
    Engine as Engine,
    Executables as Executables,
)
from ._plans import (
    PlanStack as PlanStack,
    stacked_plans as stacked_plans,
)
from ._progress import (
    progress_bar as progress_bar,
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
)
