"""The sections of a run's configuration, each frozen, with all its keys, checked at birth.

`smm4h_core.config` makes a run of them; other configurations are made of the same kind of sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from smm4h_core.errors import ConfigError
from smm4h_core.types import Lang

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"
"""What a run, a bundle or a member set may be called: safe in paths, URLs and object stores."""

PAPER_SEEDS = (0, 2, 3, 5, 13, 17, 21, 42, 67, 123)
"""The ten seeds of the paper's code."""

MORGAN = "morgan:"
"""Begins the URI of Morgan fingerprints, which are computed and have no weights."""

PACKAGED = "packaged"
"""Names the lists of terms that the package carries."""

Positive = Annotated[int, Field(gt=0, strict=True)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Dropout = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A part of the configuration: cannot be changed, knows all its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @classmethod
    def checked(cls, raw: Mapping[str, Any], *, source: str) -> Self:
        """Check a mapping and freeze it.

        Raises:
            ConfigError: naming each key path that does not fit, what was expected and what came.
        """
        try:
            return cls.model_validate(raw)
        except ValidationError as error:
            raise _refusal(error, source) from None


class CorpusRef(Section):
    """One split of one corpus."""

    path: str
    """A split folder or file, relative to ``data.root``; or ``sample:en/train`` (synthetic)."""
    lang: Lang = "en"
    """Language of its posts."""
    types: Annotated[Mapping[str, Literal["ADE"] | None], Field(min_length=1)] | None = None
    """What the labels of its spans become, for tasks that read spans, where they are others than
    ``ADE``: ``{ADR: ADE, WD: ADE, SSI: null}``. Every label that stands there must be named, as it
    is spelt; null leaves the span out."""


class TrainRef(CorpusRef):
    """One split to train on."""

    weight: Rate = 1.0
    """How much its words count in the loss, for tasks that read spans: below 1 where a corpus is
    less like the target than the others."""
    known_concepts: bool = False
    """For the task that links: leave out its mentions of concepts that none of the other training
    splits has, as the paper does with corpora beside the target."""


class DataConfig(Section):
    """What is trained on, chosen on and reported on."""

    root: str = "."
    """Folder that relative corpus paths start from."""
    train: Annotated[tuple[TrainRef, ...], Field(min_length=1)]
    """Training splits, concatenated in this order."""
    extra: tuple[TrainRef, ...] = ()
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

    @property
    def refs(self) -> tuple[CorpusRef, ...]:
        """Every split named, whatever its use."""
        return self.train + self.extra + self.dev + self.test

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


class AdapterConfig(Section):
    """A low-rank adapter (LoRA): the encoder's weights stay, what is added beside them learns."""

    kind: Literal["lora"] = "lora"
    """``lora``: on every projection and convolution of the encoder."""
    rank: Positive = 16
    """Width of what is added."""
    alpha: Positive = 16
    """What is added counts ``alpha / rank`` times."""
    dropout: Dropout = 0.0
    """Before what is added."""
    base: Literal["carried", "named"] = "carried"
    """Whether a bundle carries the encoder's own weights, or names the encoder, which must then be
    there where the bundle is loaded."""


class EncoderConfig(Section):
    """The text encoder."""

    uri: str
    """Hub id, folder, or ``package:<import name>/<folder>``."""
    max_length: Annotated[int, Field(ge=3, strict=True)] = 128
    """Word-pieces per post, special tokens included; posts that are cut
    short are counted in the member's record and told when the run ends."""
    pooling: Literal["cls", "mean", "native"] | None = None
    """How token states become one vector; None takes what the encoder's folder states as
    sentence-transformers do, else the first state. Linking wants ``mean`` of an encoder that states
    nothing."""
    freeze_embeddings: bool = False
    """Keep the word-embedding table as it was pretrained: members then share it."""
    adapter: AdapterConfig | None = None
    """Train an adapter in place of the encoder: members then share all its weights."""

    @model_validator(mode="after")
    def _no_ignored_option(self) -> Self:
        if self.adapter is not None and self.freeze_embeddings:
            raise ValueError("an adapter keeps every weight: leave freeze_embeddings out")
        return self


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


class ExtractionConfig(Section):
    """The tagger of words (method section 4), for tasks that read spans."""

    head: Literal["linear", "crf"] = "linear"
    """A ``linear`` layer a word, or a conditional random field (``crf``) over it."""
    terms: tuple[str, ...] = (PACKAGED,)
    """Lists of terms whose matches the network reads beside the text: ``packaged`` stands for ours
    in the run's languages; another is a file: one term a line (``.txt``), a ``.tsv`` with a column
    ``term``, a terminology's ``.parquet``. An empty list leaves that feature out."""
    word_features: bool = False
    """Score tags by features of each word and its neighbours, too (form, stem, affixes, shape), as
    a CRF without an encoder does: for languages that the encoder knows poorly."""
    stride: Annotated[int, Field(ge=0, strict=True)] = 32
    """Word-pieces that the windows of a post longer than ``encoder.max_length`` share."""
    coordination: bool = False
    """Take found coordinations apart ("pain in arms and legs"); no member depends on it."""

    @model_validator(mode="after")
    def _each_list_once(self) -> Self:
        if len(set(self.terms)) != len(self.terms):
            raise ValueError(f"terms must differ, got {list(self.terms)}")
        return self


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
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
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
    rule: Literal["majority", "mean", "logistic", "vote", "distance", "learned"] = "majority"
    """Of labels: ``majority`` vote, ``mean`` probability, or ``logistic`` ("sigmoid-based")
    weighing. Of spans: ``vote`` on each span, or ``mean`` of the tags' probabilities. Of links:
    the paper's cut on the ``distance``, else the classifier; or ``learned`` from all scores."""
    threshold: Literal["fixed", "chosen"] = "fixed"
    """``fixed`` cuts at 0.5 as the paper does; ``chosen`` maximises F1 on the choosing data. Of
    spans it is the votes needed (fixed: half of them), or the weight of what is no mention. Of
    links it is always chosen."""
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

    cpus_per_member: Rate = 1.0
    """Cores for one member; its thread count is this, rounded up."""
    gpus_per_member: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
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


def _refusal(error: ValidationError, source: str) -> ConfigError:
    """The error for people: a line for each key path that does not fit."""
    lines = [f"{source}: {len(error.errors())} key(s) do not fit"]
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"]) or "(whole file)"
        came = "" if problem["type"] == "missing" else f", got {problem['input']!r:.80}"
        what = "no such key" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"  {where}: {what}{came}")
    return ConfigError("\n".join(lines))
