"""Every run's configuration: frozen, typed, checked at birth, unknown keys refused.

A YAML file becomes a :class:`RunConfig` here and nowhere else; whoever needs a part of it gets
flat keyword arguments, never the configuration object.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, model_validator

from smm4h_core.errors import ConfigError
from smm4h_core.linking_sections import LinkingConfig
from smm4h_core.sections import (
    MORGAN,
    NAME_PATTERN,
    PAPER_SEEDS,
    CorpusRef,
    DataConfig,
    Dropout,
    DrugsConfig,
    EncoderConfig,
    EnsembleConfig,
    ExtractionConfig,
    Fraction,
    MoleculesConfig,
    NetworkConfig,
    Positive,
    Rate,
    ResourcesConfig,
    Section,
    TextConfig,
    TrainingConfig,
    TrainRef,
)
from smm4h_core.types import Lang

__all__ = (
    "MORGAN",
    "NAME_PATTERN",
    "PAPER_SEEDS",
    "ClassificationTask",
    "CorpusRef",
    "DataConfig",
    "Dropout",
    "DrugsConfig",
    "EncoderConfig",
    "EnsembleConfig",
    "ExtractionConfig",
    "Fraction",
    "LinkingConfig",
    "MemberPart",
    "MoleculesConfig",
    "NetworkConfig",
    "Positive",
    "Rate",
    "ResourcesConfig",
    "RunConfig",
    "Section",
    "Task",
    "TextConfig",
    "TrainRef",
    "TrainingConfig",
    "config_from_mapping",
    "read_config",
    "read_mapping",
    "training_digest",
)

ClassificationTask = Literal["1a", "2"]
Task = Literal["1a", "1b", "1c", "2"]
MemberPart = Literal["", "similarity", "classifier"]
"""Which network of a seed a member is: of linking there are two, of other tasks one, unnamed."""


RULES: Mapping[Task, tuple[str, ...]] = MappingProxyType(
    {
        "1a": ("majority", "mean", "logistic"),
        "1b": ("vote", "mean"),
        "1c": ("distance", "learned"),
        "2": ("majority", "mean", "logistic"),
    }
)
"""Ways to join members, by task."""


class RunConfig(Section):
    """One run: a set-up, its data, its members."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    """Stable name: the same name and storage resume the same run."""
    version: Annotated[str, Field(pattern=NAME_PATTERN)] = "1"
    """Version of the bundle that the run writes."""
    task: Task
    """``1a`` English labels ADE/NoADE, ``1b`` spans of ADEs, ``1c`` concepts of spans, ``2``
    Russian labels 1/0."""
    description: str = ""
    """One line for tables and the model card."""
    credits: tuple[str, ...] = ()
    """Whose work it is made of and on what terms, a line each, for the model card."""
    storage: str = "runs"
    """Folder or URI under which everything is written; every node must reach it."""
    data: DataConfig
    serves: Annotated[tuple[Lang, ...], Field(min_length=1)] | None = None
    """Languages whose posts its bundle answers; None is every language that it was trained on."""
    text: TextConfig = TextConfig()
    encoder: EncoderConfig
    drugs: DrugsConfig = DrugsConfig()
    molecules: MoleculesConfig | None = None
    """Required by every fusion but ``text``, which has no use for it."""
    network: NetworkConfig = NetworkConfig()
    extraction: ExtractionConfig | None = None
    """Required by the task that reads spans; the others have no use for it."""
    linking: LinkingConfig | None = None
    """Required by the task that links spans to concepts; the others have no use for it."""
    training: TrainingConfig
    """How a member is trained; of linking, its similarity encoder."""
    ensemble: EnsembleConfig = EnsembleConfig()
    resources: ResourcesConfig = ResourcesConfig()

    @property
    def languages(self) -> tuple[Lang, ...]:
        """Languages trained on, in alphabetical order."""
        return tuple(sorted({ref.lang for ref in self.data.train + self.data.extra}))

    @property
    def served(self) -> tuple[Lang, ...]:
        """Languages whose posts its bundle answers, in alphabetical order."""
        return tuple(sorted(set(self.serves or self.languages)))

    @property
    def parts(self) -> tuple[MemberPart, ...]:
        """The networks that a seed has."""
        if self.linking is None:
            return ("",)
        return ("similarity", "classifier") if self.linking.classifier else ("similarity",)

    def training_of(self, part: MemberPart) -> TrainingConfig:
        """How a network of a seed is trained."""
        if part == "classifier" and self.linking and self.linking.classifier:
            return self.linking.classifier.training
        return self.training

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
    def _keys_that_the_task_reads(self) -> Self:
        task = self.task
        needed = {"1b": "extraction", "1c": "linking"}.get(task)
        for section in ("extraction", "linking"):
            is_there = getattr(self, section) is not None
            if section == needed and not is_there:
                raise ValueError(f"task {task} needs the section {section}")
            if section != needed and is_there:
                raise ValueError(f"task {task} has no use for the section {section}: leave it out")
        rules = RULES[task]
        if self.ensemble.rule not in rules:
            raise ValueError(
                f"ensemble.rule of task {task} is one of {', '.join(rules)}, "
                f"got {self.ensemble.rule!r}"
            )
        if needed is None:
            return self
        if self.network.fusion != "text":
            raise ValueError(f"task {task} reads no molecules: leave network.fusion out")
        if self.encoder.pooling is not None and task == "1b":
            raise ValueError(f"task {task} reads each word's own state: leave encoder.pooling out")
        return self

    @model_validator(mode="after")
    def _corpora_as_the_task_reads_them(self) -> Self:
        reads_spans = self.task in ("1b", "1c")
        for ref in self.data.refs:
            if ref.types is not None and not reads_spans:
                raise ValueError(f"task {self.task} reads no types of spans: leave them out")
        for ref in self.data.train + self.data.extra:
            if ref.weight != 1 and self.task != "1b":
                raise ValueError(f"task {self.task} reads no weight of a corpus: leave it out")
            if ref.known_concepts and self.task != "1c":
                raise ValueError(f"task {self.task} reads no concepts: leave known_concepts out")
        if all(ref.known_concepts for ref in self.data.train):
            raise ValueError("known_concepts needs a training split that is without it")
        return self

    @model_validator(mode="after")
    def _keys_that_linking_reads(self) -> Self:
        linking = self.linking
        if linking is None:
            return self
        if self.ensemble.threshold != "chosen":
            raise ValueError("ensemble.threshold of task 1c is chosen: no source states one")
        if self.ensemble.tie != EnsembleConfig.model_fields["tie"].default:
            raise ValueError("task 1c has no votes to tie: leave ensemble.tie out")
        if self.ensemble.rule == "distance" and (not linking.lexical or linking.lexical_mentions):
            raise ValueError(
                "linking.lexical and its mentions are of ensemble.rule learned: leave out"
            )
        if self.text != TextConfig():
            raise ValueError("task 1c reads mentions as they are quoted: leave text out")
        if self.network != NetworkConfig():
            raise ValueError("task 1c has its own networks: leave network out")
        if self.training.checkpoint_steps is not None:
            raise ValueError(
                "training.checkpoint_steps: the similarity encoder's negatives are sought when an "
                "epoch begins, so it can go on between epochs alone: leave it out"
            )
        budget = TrainingConfig.model_fields["batch_tokens"].default
        if self.training.batch_posts is None or self.training.batch_tokens != budget:
            raise ValueError(
                "training of task 1c is the similarity encoder's, whose batches are counted in "
                "pairs of texts: give batch_posts, leave batch_tokens out"
            )
        if linking.similarity.pretrained_share and self.encoder.adapter is not None:
            raise ValueError("linking.similarity.pretrained_share: an adapter keeps every weight")
        if linking.similarity.term_epochs > self.training.epochs:
            raise ValueError("linking.similarity.term_epochs has more than training.epochs")
        for part in self.parts:
            training = self.training_of(part)
            if training.oversample:
                raise ValueError("task 1c has no positives to oversample: leave it out")
        if self.data.folds > 1:
            raise ValueError("task 1c is chosen on dev splits: leave folds out")
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
    return RunConfig.checked(raw, source=source)


def read_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run's YAML, apply ``key.path=value`` overrides (values are YAML), check, freeze."""
    return config_from_mapping(read_mapping(path, overrides), source=str(path))


def read_mapping(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a YAML file of keys and apply ``key.path=value`` overrides; nothing is checked yet.

    A file that ``inherits`` another one of its folder says what differs: sections are laid over
    the other's key by key, anything else takes the other's place.

    Raises:
        ConfigError: no such file, no YAML, no mapping, or files that inherit each other.
    """
    raw = _inherit(path, ())
    for override in overrides:
        _override(raw, override)
    return raw


def _inherit(path: Path, below: tuple[Path, ...]) -> dict[str, Any]:
    if path in below:
        raise ConfigError(f"{path}: inherits itself, by way of {below[-1].name}")
    raw = _read_yaml(path)
    name = raw.pop("inherits", None)
    if name is None:
        return raw
    if not isinstance(name, str) or Path(name).name != name:
        raise ConfigError(f"{path}: inherits: expected a file of its folder, got {name!r}")
    return _lay_over(_inherit(path.with_name(name), (*below, path)), raw)


def _lay_over(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    laid = {**under, **over}
    for key in under.keys() & over.keys():
        if isinstance(under[key], dict) and isinstance(over[key], dict):
            laid[key] = _lay_over(under[key], over[key])
    return laid


def _read_yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ConfigError(f"{path}: no such configuration file")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a YAML file: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected a mapping of keys, got {type(raw).__name__}")
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


def training_digest(config: RunConfig, part: MemberPart = "") -> str:
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
            "extraction": {"head", "terms", "stride", "word_features"},
        },
    )
    # Text alone reads no drug; what is unset is left out, so that older members are known again.
    if parts["molecules"] is None:
        del parts["molecules"], parts["drugs"]
    for use in ("train", "extra", "dev", "test"):
        for ref in parts["data"][use]:
            if ref["types"] is None:
                del ref["types"]
    for ref in (*parts["data"]["train"], *parts["data"]["extra"]):
        if ref["weight"] == 1:
            del ref["weight"]
        if not ref["known_concepts"]:
            del ref["known_concepts"]
    if not parts["data"]["extra"]:
        del parts["data"]["extra"]
    if parts["extraction"] is None:
        del parts["extraction"]
    elif not parts["extraction"]["word_features"]:
        del parts["extraction"]["word_features"]
    if parts["encoder"]["adapter"] is None:
        del parts["encoder"]["adapter"]
    else:
        del parts["encoder"]["adapter"]["base"]  # where weights lie decides nothing
    if config.linking is not None:
        own = {"similarity", "mentions_as_terms"} if part == "similarity" else {"classifier"}
        chosen = config.linking.model_dump(mode="json", include={"terminology", *own})
        # Newer keys at their defaults: older members are known again.
        if not chosen["terminology"]["only_lay_concepts"]:
            del chosen["terminology"]["only_lay_concepts"]
        if not chosen["terminology"]["understands"]:
            del chosen["terminology"]["understands"]
        if config.linking.unknown_codes != "count":
            chosen["unknown_codes"] = config.linking.unknown_codes
        if part == "similarity" and not chosen["similarity"]["pretrained_share"]:
            del chosen["similarity"]["pretrained_share"]
        if part == "similarity" and config.linking.vectors != "fp32":
            chosen["vectors"] = config.linking.vectors
        parts["linking"] = {"part": part, **chosen}
    training = config.training_of(part).model_dump(mode="json", exclude={"checkpoint_steps"})
    canonical = json.dumps({**parts, "training": training}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
