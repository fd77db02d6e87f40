"""Every run's configuration: frozen, typed, checked at birth, unknown keys refused.

A YAML file becomes a :class:`RunConfig` here and nowhere else; whoever needs a part of it gets
flat keyword arguments, never the configuration object.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from smm4h_core.errors import ConfigError
from smm4h_core.types import Lang

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""What a run, a bundle or a member set may be called: safe in paths, URLs and object stores."""

PAPER_SEEDS = (0, 2, 3, 5, 13, 17, 21, 42, 67, 123)
"""The ten seeds of the paper's code."""

MORGAN = "morgan:"
"""Begins the URI of Morgan fingerprints, which are computed and have no weights."""

Task = Literal["1a", "2"]
Positive = Annotated[int, Field(gt=0, strict=True)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A part of the configuration: cannot be changed, knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class CorpusRef(Section):
    """One split of one corpus."""

    path: str
    """A split folder or file, relative to ``data.root``; or ``sample:en/train`` (synthetic)."""
    lang: Lang = "en"
    """Language of its posts."""


class DataConfig(Section):
    """What is trained on, chosen on and reported on."""

    root: str = "."
    """Folder that relative corpus paths start from."""
    train: Annotated[tuple[CorpusRef, ...], Field(min_length=1)]
    """Training splits, concatenated in this order."""
    extra: tuple[CorpusRef, ...] = ()
    """More training splits, such as another language's: in no fold, so never chosen on."""
    dev: tuple[CorpusRef, ...] = ()
    """Development splits: best epoch, ensemble rule and threshold are chosen here."""
    test: tuple[CorpusRef, ...] = ()
    """Test splits: predicted and stored by every member, reported once, never chosen on."""
    folds: Positive = 1
    """With more than one, train and dev are pooled and cut into so many group-aware folds; each
    member leaves one out and predicts it, so that the rule is fitted on out-of-fold predictions."""
    fold_seed: int = 0
    """Seed of the cut; the same for every member."""

    @model_validator(mode="after")
    def _something_to_choose_on(self) -> Self:
        if self.folds == 1 and not self.dev:
            raise ValueError("give `dev` splits, or `folds` greater than 1 to choose on")
        if self.folds == 1 and (self.fold_seed or self.extra):
            raise ValueError("fold_seed and extra need folds greater than 1")
        return self


class TextConfig(Section):
    """How a post becomes the text that the encoder reads."""

    emoji: Literal["map", "keep", "drop", "describe"] = "map"
    """``map``: the paper's table, other emoji kept; see :func:`smm4h_core.text.normalise`."""


class EncoderConfig(Section):
    """The text encoder."""

    uri: str
    """Hub id, folder, or ``package:<import name>/<folder>``."""
    max_length: Annotated[int, Field(ge=3, strict=True)] = 128
    """Word-pieces per post, special tokens included; posts that are cut
    short are counted in the member's record and told when the run ends."""
    pooling: Literal["cls", "mean", "native"] | None = None
    """How token states become one vector; None takes the encoder's own way."""
    freeze_embeddings: bool = False
    """Keep the word-embedding table as it was pretrained: members then share it."""


class DrugsConfig(Section):
    """Which names of drugs are found in posts."""

    tables: tuple[str, ...] = ()
    """Tables of your own (TSV, CSV, Parquet) over the packaged lexicon; the last goes first."""


class MoleculesConfig(Section):
    """The molecules of the drugs that a post names, for the fusions that read them."""

    uri: str
    """Molecule encoder, named as text encoders are; or ``morgan:<bits>``, fingerprints, where the
    fusion reads one fixed vector a molecule."""
    max_length: Annotated[int, Field(ge=3, strict=True)] = 256
    """Word-pieces of a SMILES, special tokens included."""
    pooling: Literal["mean", "max", "first", "all"] | None = None
    """What becomes of several: their ``mean`` or ``max``, the ``first`` named, or, with
    cross-attention, ``all``. None: ``all`` with cross-attention, else ``mean``."""
    absent: Literal["empty", "zeros"] = "empty"
    """What stands where a post names no drug whose molecule is known: the ``empty`` string's
    molecule (the paper) or ``zeros`` (its code)."""


class NetworkConfig(Section):
    """The network on the encoders (the paper, section 2.3)."""

    fusion: Literal["text", "concat", "cross_attention", "gated"] = "text"
    """``text`` alone; the paper's ``concat`` (frozen molecule encoder) and ``cross_attention``
    (both encoders trained); ``gated``: concatenation that can shut the molecule out."""
    dropout: Dropout = 0.3
    """Before and after the hidden layer."""

    @property
    def trains_molecules(self) -> bool:
        """Whether the molecule encoder learns with the network, or gives fixed vectors."""
        return self.fusion == "cross_attention"


class TrainingConfig(Section):
    """How one member is trained."""

    epochs: Positive
    """Passes over the training posts."""
    learning_rate: Rate
    """Peak rate of the encoder."""
    head_rate_factor: Rate = 1.0
    """The head's rate as a multiple of the encoder's."""
    layer_rate_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Each layer further from the head learns at this multiple of the layer above it."""
    optimiser: Literal["adam", "adamw"] = "adam"
    """``adamw`` decays weights decoupled from the gradient, biases and norms excepted."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Only with ``adamw``."""
    schedule: Literal["constant", "warmup_linear"] = "constant"
    """``warmup_linear`` rises over ``warmup_fraction`` of all steps, then falls to zero."""
    warmup_fraction: Fraction = 0.1
    """Only with ``warmup_linear``."""
    clip_norm: Rate | None = 1.0
    """Greatest norm of the whole gradient; None never clips."""
    batch_tokens: Positive = 1024
    """Word-pieces in a batch, padding included: the cost of a step is bounded by this."""
    batch_posts: Positive | None = None
    """Most posts in a batch; the paper's 32 or 64. None leaves it to ``batch_tokens``."""
    oversample: bool = False
    """Repeat positives until each batch holds about as many of them as negatives."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """``auto`` takes bf16 where matrix products in it are measured to be faster."""
    select: Literal["best", "last"] = "best"
    """Keep the epoch with the best dev F1, or the last one."""
    patience: Positive | None = None
    """Stop after so many epochs without a better dev F1; None runs all epochs."""
    checkpoint_steps: Positive | None = None
    """Also write a checkpoint every so many steps; each epoch's end always does."""

    @model_validator(mode="after")
    def _no_ignored_option(self) -> Self:
        if self.weight_decay and self.optimiser != "adamw":
            raise ValueError("weight_decay needs optimiser: adamw")
        if self.patience is not None and self.select == "last":
            raise ValueError("patience needs select: best")
        default = type(self).model_fields["warmup_fraction"].default
        if self.schedule == "constant" and self.warmup_fraction != default:
            raise ValueError("warmup_fraction needs schedule: warmup_linear")
        return self


class EnsembleConfig(Section):
    """Which members are trained and how they are joined."""

    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = PAPER_SEEDS
    """One member per seed (and fold)."""
    members_of: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    """Another run in the same storage, alike in all that members are made of: its members are
    joined anew, and what it lacks is trained for it."""
    rule: Literal["majority", "mean", "logistic"] = "majority"
    """``majority`` vote, ``mean`` probability, or ``logistic`` ("sigmoid-based") weighing."""
    threshold: Literal["fixed", "chosen"] = "fixed"
    """``fixed`` cuts at 0.5 as the paper does; ``chosen`` maximises F1 on the choosing data."""
    tie: Literal["positive", "negative"] = "positive"
    """What an even split of votes means; the paper's code says positive."""
    min_members: Positive | None = None
    """Go on when at least so many members finished; None demands all."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds must differ, got {list(self.seeds)}")
        return self


class ResourcesConfig(Section):
    """What one member may use, and how patient the run is with failures."""

    cpus_per_member: Annotated[float, Field(gt=0)] = 1.0
    """Cores for one member; its thread count is this, rounded up."""
    gpus_per_member: Annotated[float, Field(ge=0)] = 0.0
    """GPUs for one member: a fraction below 1, which shares one and caps its share of memory, or a
    whole number, which is all that Ray hands out."""
    max_workers: Positive | None = None
    """Most members trained at once; None fills the cluster."""
    attempts: Positive = 3
    """Times a member is tried, without getting an epoch further, before it counts as failed."""

    @model_validator(mode="after")
    def _gpus_that_ray_hands_out(self) -> Self:
        if self.gpus_per_member > 1 and self.gpus_per_member % 1:
            raise ValueError(f"gpus_per_member above 1 must be whole, got {self.gpus_per_member}")
        return self


class RunConfig(Section):
    """One run: a set-up, its data, its members."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    """Stable name: the same name and storage resume the same run."""
    version: Annotated[str, Field(pattern=NAME_PATTERN)] = "1"
    """Version of the bundle that the run writes."""
    task: Task
    """``1a`` English labels ADE/NoADE, ``2`` Russian labels 1/0."""
    description: str = ""
    """One line for tables and the model card."""
    storage: str = "runs"
    """Folder or URI under which everything is written; every node must reach it."""
    data: DataConfig
    text: TextConfig = TextConfig()
    encoder: EncoderConfig
    drugs: DrugsConfig = DrugsConfig()
    molecules: MoleculesConfig | None = None
    """Required by every fusion but ``text``, which has no use for it."""
    network: NetworkConfig = NetworkConfig()
    training: TrainingConfig
    ensemble: EnsembleConfig = EnsembleConfig()
    resources: ResourcesConfig = ResourcesConfig()

    @property
    def languages(self) -> tuple[Lang, ...]:
        """Languages trained on, in alphabetical order."""
        return tuple(sorted({ref.lang for ref in self.data.train + self.data.extra}))

    @model_validator(mode="after")
    def _members_enough(self) -> Self:
        wanted, members = self.ensemble.min_members, len(self.ensemble.seeds)
        if wanted is not None and wanted > members:
            raise ValueError(f"ensemble.min_members is {wanted}, but there are {members} seeds")
        if self.data.folds > 1 and self.training.select == "best":
            # The best epoch on the fold held out would make its predictions look unseen.
            raise ValueError("data.folds greater than 1 needs training.select: last")
        return self

    @model_validator(mode="after")
    def _molecules_where_they_are_read(self) -> Self:
        fusion, molecules = self.network.fusion, self.molecules
        if (molecules is None) != (fusion == "text"):
            raise ValueError(
                f"network.fusion {fusion!r} reads no molecules: leave the section out"
                if molecules
                else f"network.fusion {fusion!r} needs a molecules section"
            )
        if molecules is None:
            return self
        fits = ("first", "all") if fusion == "cross_attention" else ("mean", "max", "first")
        if molecules.pooling not in (None, *fits):
            raise ValueError(
                f"molecules.pooling with network.fusion {fusion!r} is one of {', '.join(fits)}, "
                f"got {molecules.pooling!r}"
            )
        if fusion == "cross_attention" and molecules.uri.startswith(MORGAN):
            raise ValueError(
                f"network.fusion 'cross_attention' trains a molecule encoder, got {molecules.uri!r}"
            )
        return self


def config_from_mapping(raw: Mapping[str, Any], *, source: str = "configuration") -> RunConfig:
    """Check a mapping and freeze it.

    Raises:
        ConfigError: naming each key path that does not fit, what was expected and what came.
    """
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as error:
        raise refusal(error, source) from None


def refusal(error: ValidationError, source: str) -> ConfigError:
    """The error for people: a line for each key path that does not fit."""
    lines = [f"{source}: {len(error.errors())} key(s) do not fit"]
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"]) or "(whole file)"
        came = "" if problem["type"] == "missing" else f", got {problem['input']!r:.80}"
        lines.append(f"  {where}: {problem['msg']}{came}")
    return ConfigError("\n".join(lines))


def read_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run's YAML, apply ``key.path=value`` overrides (values are YAML), check, freeze."""
    return config_from_mapping(read_mapping(path, overrides), source=str(path))


def read_mapping(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a YAML file of keys and apply ``key.path=value`` overrides; nothing is checked yet."""
    if not path.is_file():
        raise ConfigError(f"{path}: no such configuration file")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a YAML file: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected a mapping of keys, got {type(raw).__name__}")
    for override in overrides:
        _override(raw, override)
    return raw


def _override(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override!r}: expected key.path=value")
    *parents, last = key.split(".")
    node: Any = raw
    for parent in parents:
        node = node.setdefault(parent, {})
        if not isinstance(node, dict):
            raise ConfigError(f"--set {override!r}: {parent!r} is no section")
    try:
        node[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override!r}: the value is not YAML") from None


def training_digest(config: RunConfig) -> str:
    """Digest of the keys that decide a member's weights and answers, 12 hexadecimal digits.

    What only joins or places members (ensemble rule, resources, storage, description) is left
    out, so it may change freely between two calls of the same run; ``data.root`` too, since
    :func:`smm4h_core.members.data.identify` looks at the posts themselves.
    """
    parts = config.model_dump(
        mode="json",
        include={
            "task": True,
            "data": {"train", "extra", "dev", "test", "folds", "fold_seed"},
            "text": True,
            "encoder": True,
            "drugs": True,
            "molecules": True,
            "network": True,
        },
    )
    # Text alone reads no drug; what is unset is left out, so that older members are known again.
    if parts["molecules"] is None:
        del parts["molecules"], parts["drugs"]
    if not parts["data"]["extra"]:
        del parts["data"]["extra"]
    training = config.training.model_dump(mode="json", exclude={"checkpoint_steps"})
    canonical = json.dumps({**parts, "training": training}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
