"""The mean of the weights of a run's best checkpoints, as a model of its own.

Checkpoints of one training lie near each other, and their mean often does better than each of them (arXiv 1803.05407).
"""

from __future__ import annotations

from bertsum.files import remove_folder, whole_folder
from bertsum.models.base import Model
from bertsum.runs import Run


def average_best(run: Run, metric: str, count: int) -> None:
    """Writes the mean of the best checkpoints into the run folder, and links ``best`` to it.

    Args:
        run: The run, after its training.
        metric: What ranks checkpoints.
        count: Number of checkpoints; of fewer than two there is no mean, and nothing is done.

    Raises:
        BertsumError: if the run has kept fewer checkpoints, or the folder cannot be written.
    """
    if count < 2:
        return
    checkpoints = run.best_checkpoints(metric, count)
    model = Model.from_pretrained(checkpoints[0])
    sums = {name: weight.double() for name, weight in model.state_dict().items()}
    for checkpoint in checkpoints[1:]:
        for name, weight in Model.from_pretrained(checkpoint).state_dict().items():
            sums[name] += weight
    model.load_state_dict({name: (sums[name] / count).to(weight.dtype) for name, weight in model.state_dict().items()})
    run.point_best(checkpoints[0])  # while there is no mean
    if run.mean.exists():
        remove_folder(run.mean)
    with whole_folder(run.mean) as beside:
        model.save_pretrained(beside, card=False)
    run.point_best(run.mean)
