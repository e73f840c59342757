// Written from the Rust types by `./dev types`: change those.

/**
 * What this program is.
 */
export type About = { 
/**
 * Its version.
 */
version: string, 
/**
 * The engine and its version.
 */
engine: string, 
/**
 * What this build computes on.
 */
computes_on: string, 
/**
 * The operating system it runs on.
 */
os: string, 
/**
 * Where everything is kept.
 */
data_folder: string, 
/**
 * Where logs are written.
 */
log_folder: string, 
/**
 * Its own licence (SPDX).
 */
licence: string, 
/**
 * What it is made of, by name.
 */
components: Array<Component>, };

/**
 * Which settlements.
 */
export type ActivityFilter = { 
/**
 * Words in the task's id, the model, the format or the reason it was not paid; empty: all.
 */
search: string, 
/**
 * Only these.
 */
kind: TaskKind | null, 
/**
 * Only these.
 */
outcome: Outcome | null, 
/**
 * Only these.
 */
mode: Mode | null, };

/**
 * What a query found.
 */
export type ActivityPage = { 
/**
 * Newest first.
 */
entries: Array<Settlement>, 
/**
 * All that the filter lets through.
 */
total: number, 
/**
 * All there are.
 */
known: number, };

/**
 * A part of what a filter lets through, newest first.
 */
export type ActivityQuery = { 
/**
 * Which settlements.
 */
filter: ActivityFilter, 
/**
 * How many to leave out.
 */
offset: number, 
/**
 * How many at most.
 */
limit: number, };

/**
 * What another build would make of cards that this one leaves alone. Its `Display` is the English sentence.
 */
export type Advice = { "code": "would_compute", 
/**
 * With this build.
 */
build: Backend, 
/**
 * On these.
 */
cards: Array<IdleCard>, 
/**
 * The worthiest that would.
 */
model: ModelId, 
/**
 * In which format.
 */
precision: Precision, } | { "code": "nothing_would_fit", 
/**
 * With this build.
 */
build: Backend, 
/**
 * On these.
 */
cards: Array<IdleCard>, };

/**
 * A variant as it would be loaded here, or why it cannot be.
 */
export type Alternative = { 
/**
 * Which.
 */
variant: Variant, 
/**
 * Whether it fits.
 */
fit: Fit, 
/**
 * Why, in words.
 */
reason: string, 
/**
 * The same for programs; nothing where the miner is older, or its code is newer.
 */
why?: Verdict, 
/**
 * Where it would compute.
 */
placement: Placement, 
/**
 * With what it would be loaded; with the least if it does not fit.
 */
load: Load, 
/**
 * What that takes.
 */
memory: MemoryEstimate, 
/**
 * By measurement.
 */
measured_requests_per_hour: number | null, 
/**
 * By the speed of memory, beside a measurement too: so one sees how far off it is.
 */
estimate: SpeedEstimate | null, };

/**
 * A sum of money, never negative, in base units of 10⁻¹⁸ credit.
 *
 * On the wire it is a decimal string of base units (JSON numbers lose digits beyond 2⁵³). In a database it is the two
 * integers of [`Amount::to_limbs`], so that `SUM` over each column stays exact in 64 bits.
 */
export type Amount = string;

/**
 * How the models share the memory, and why.
 */
export type Arrangement = { 
/**
 * How.
 */
how: Sharing, 
/**
 * What all of them together should take at full context, in bytes.
 */
together_bytes: number, 
/**
 * What may be used, in bytes.
 */
usable_bytes: number, 
/**
 * Why, for people.
 */
words: string, };

/**
 * The SHA-256 of a model file: what a node says it runs, to the bit.
 */
export type ArtifactDigest = string;

/**
 * Why the miner steps aside; without the figures and names, which are settings.
 */
export type AsideKind = "in_use" | "battery" | "full_screen" | "program" | "hot" | "processor" | "graphics" | "metered" | "hours";

/**
 * What was seen at some places of the windows.
 */
export type AtPosition = { 
/**
 * Least tokens before the one that was scored.
 */
from: number, 
/**
 * Most.
 */
to: number, 
/**
 * Tokens scored.
 */
tokens: number, 
/**
 * Mean divergence, in nats.
 */
divergence: Estimate, 
/**
 * Share of the tokens where both expected the same one most.
 */
same_top: Estimate, };

/**
 * What a graphics card is computed on through.
 */
export type Backend = "cuda" | "metal";

/**
 * Whether it fits, for people.
 */
export type Badge = { 
/**
 * The verdict.
 */
fit: Fit, 
/**
 * Where it would compute.
 */
placement: Placement, 
/**
 * With as much context.
 */
context_tokens: number, 
/**
 * About what it would take, in bytes.
 */
needed_bytes: number, 
/**
 * In words, with numbers.
 */
reason: string, };

/**
 * What is left of one sum without another: below zero where it is the smaller one.
 */
export type Balance = number;

/**
 * How a model broke down, by what helps.
 */
export type BreakdownKind = "failed" | "out_of_memory" | "hung";

/**
 * What was earned in a span of time.
 */
export type Bucket = { 
/**
 * Its start.
 */
from: Millis, 
/**
 * Its end, which is the next one's start.
 */
to: Millis, 
/**
 * What was paid.
 */
amount: Amount, 
/**
 * User requests paid.
 */
requests: number, 
/**
 * Network tests paid.
 */
tests: number, };

/**
 * What the network measured the hardware to be capable of.
 */
export type Capability = "low_end" | "high_end";

/**
 * A card of this machine.
 */
export type CardName = { 
/**
 * Its number.
 */
index: number, 
/**
 * The card; nothing if it is not known any more.
 */
model: string | null, };

/**
 * What keeps from earning, or from earning more.
 */
export type Cause = { "code": "stopped" } | { "code": "problem", 
/**
 * What helps.
 */
problem: ProblemCode, 
/**
 * What is wrong and what to do.
 */
message: string, } | { "code": "passphrase" } | { "code": "starting", 
/**
 * Where it is.
 */
step: StepName | null, } | { "code": "measuring" } | { "code": "stepping_aside", 
/**
 * Which.
 */
reasons: Array<Reason>, } | { "code": "paused" } | { "code": "connecting" } | { "code": "offline", 
/**
 * Why.
 */
reason: string, 
/**
 * When it is tried again.
 */
retry_at: Millis, } | { "code": "rejected", 
/**
 * Why, and what to do.
 */
message: string, 
/**
 * When it is tried again.
 */
retry_at: Millis, } | { "code": "testing", 
/**
 * Tests done and all; nothing before the first.
 */
tests: [number, number] | null, } | { "code": "not_passed", 
/**
 * What to do, in the network's words.
 */
next_step: string, 
/**
 * The same for programs.
 */
step?: TierStep, } | { "code": "cool_down", 
/**
 * Until when.
 */
until: Millis, 
/**
 * What to do, in the network's words.
 */
next_step: string, 
/**
 * The same for programs.
 */
step?: LevelStep, } | { "code": "lowest_level", 
/**
 * What to do, in the network's words.
 */
next_step: string, 
/**
 * The same for programs.
 */
step?: LevelStep, } | { "code": "no_tasks", 
/**
 * For so many minutes.
 */
minutes: number, } | { "code": "unpaid", 
/**
 * So many tasks,
 */
unpaid: number, 
/**
 * of so many.
 */
of: number, 
/**
 * Why the last one was not, in the network's words.
 */
reason: string, 
/**
 * The same for programs.
 */
why?: UnpaidReason, } | { "code": "taken_back", 
/**
 * How much.
 */
amount: Amount, 
/**
 * Why, in the network's words.
 */
reason: string, 
/**
 * The same for programs.
 */
why?: UnpaidReason, } | { "code": "earns_more", 
/**
 * Which.
 */
mode: Mode, 
/**
 * With what.
 */
precision: Precision, 
/**
 * An hour of it,
 */
amount: Amount, 
/**
 * against one of the present one.
 */
against: Amount, } | { "code": "costs_more", 
/**
 * What it cost.
 */
cost: Money, 
/**
 * What was earned, by what a credit is worth to the user.
 */
worth: Money, 
/**
 * In which currency.
 */
currency: string, };

/**
 * What mining took in the parts of a chart.
 */
export type ChartElectricity = { 
/**
 * The currency of the sums.
 */
currency: string, 
/**
 * One for each part of the chart, in its order.
 */
parts: Array<PartElectricity>, };

/**
 * What to serve in one mode, and why.
 */
export type Choice = { 
/**
 * The mode.
 */
mode: Mode, 
/**
 * What to serve.
 */
variant: Variant, 
/**
 * What to load it with.
 */
load: Load, 
/**
 * Where it computes.
 */
placement: Placement, 
/**
 * What it takes of each device.
 */
devices: Array<DeviceMemory>, 
/**
 * What it should take.
 */
memory: MemoryEstimate, 
/**
 * By measurement; `None` before there is one.
 */
predicted_requests_per_hour: number | null, 
/**
 * By the speed of memory, where that is known.
 */
estimate: SpeedEstimate | null, 
/**
 * In words, with numbers.
 */
reasons: Array<string>, 
/**
 * The same for programs, in the same order; nothing where the miner is older, or one of its codes is newer.
 */
why?: Array<ChoiceReason>, 
/**
 * What else there was.
 */
runners_up: Array<RunnerUp>, };

/**
 * Why a mode serves what it serves, and how. Its `Display` is the English sentence.
 */
export type ChoiceReason = { "code": "all_slow" } | { "code": "most_exact" } | { "code": "largest_in_full" } | { "code": "full_too_slow" } | { "code": "most_exact_quantized" } | { "code": "largest_quantized" } | { "code": "not_measured" } | { "code": "measured", 
/**
 * Of what.
 */
most: Most, 
/**
 * Another brings hardly more, and this is the most exact of the quantized.
 */
tie: boolean, 
/**
 * Requests an hour of that size.
 */
requests_per_hour: number, 
/**
 * Tokens of such a request's prompt.
 */
prompt_tokens: number, 
/**
 * Tokens of its answer.
 */
completion_tokens: number, } | { "code": "estimated", 
/**
 * Of what.
 */
most: Most, 
/**
 * Another brings hardly more, and this is the most exact of the quantized.
 */
tie: boolean, 
/**
 * Requests an hour of that size.
 */
requests_per_hour: number, 
/**
 * The truth should be within this factor, up or down.
 */
error_factor: number, 
/**
 * Tokens of such a request's prompt.
 */
prompt_tokens: number, 
/**
 * Tokens of its answer.
 */
completion_tokens: number, } | { "code": "busy", 
/**
 * The most of the processor that they took, 0 to 1.
 */
share: number, } | { "code": "memory", 
/**
 * At most, in bytes.
 */
needed_bytes: number, 
/**
 * What it may take, in bytes.
 */
usable_bytes: number, } | { "code": "budget_margin" } | { "code": "fewer_slots", 
/**
 * Requests at a time now.
 */
slots: number, 
/**
 * And before.
 */
before: number, } | { "code": "less_context", 
/**
 * Tokens now.
 */
context_tokens: number, 
/**
 * And before.
 */
before: number, } | { "code": "shorter_to_fit", 
/**
 * Tokens that fit.
 */
context_tokens: number, 
/**
 * Tokens that were wished for.
 */
wished: number, } | { "code": "on_cards", 
/**
 * Which.
 */
cards: Array<CardName>, } | { "code": "split", 
/**
 * Which.
 */
cards: Array<CardName>, 
/**
 * Layers there.
 */
card_layers: number, 
/**
 * Layers on the processor.
 */
processor_layers: number, 
/**
 * How many times as fast as the processor alone, estimated; nothing where that cannot be told.
 */
gained: number | null, };

/**
 * A token of an answer.
 */
export type ComparedToken = { 
/**
 * Index in the vocabulary; of the network's text, as a tokenizer of this machine cuts it.
 */
id: number, 
/**
 * What it adds to the text; may be empty when a character is not complete yet.
 */
text: string, 
/**
 * KL(reference ‖ this side) behind what this side said so far, in nats: how far apart the two expect what comes
 * here. On the reference's own answer, the largest over the other sides. Nothing until scored.
 */
divergence: number | null, 
/**
 * What each side expected here most, by side, the likeliest first; empty until scored, and for sides of other tokens.
 */
top: Array<Array<TopToken>>, };

/**
 * A comparison, under way or over.
 */
export type Comparison = { 
/**
 * Which; nothing before the first one.
 */
id: ComparisonId | null, 
/**
 * The one word.
 */
phase: ComparisonPhase, 
/**
 * What was asked.
 */
request: ComparisonRequest | null, 
/**
 * What it is called.
 */
name: string, 
/**
 * When it began.
 */
started_at: Millis | null, 
/**
 * Whether the models are in memory together, and why.
 */
arrangement: Arrangement | null, 
/**
 * What the miner does meanwhile.
 */
mining: MiningMeanwhile, 
/**
 * 0 to 1.
 */
progress: number, 
/**
 * The reference first.
 */
sides: Array<ComparisonSide>, 
/**
 * The first token, counted from 0, where an answer is not the reference's; nothing as long as they are equal.
 */
first_divergence: number | null, 
/**
 * What went wrong and what to do.
 */
failure: Failure | null, };

/**
 * A comparison in the history.
 */
export type ComparisonEntry = { 
/**
 * Which.
 */
id: ComparisonId, 
/**
 * What it is called.
 */
name: string, 
/**
 * What was asked.
 */
prompt: string, 
/**
 * When it began.
 */
started_at: Millis, 
/**
 * What its sides are called, the reference first.
 */
sides: Array<string>, 
/**
 * How it ended.
 */
phase: ComparisonPhase, 
/**
 * The first token where an answer is not the reference's.
 */
first_divergence: number | null, };

/**
 * What was kept.
 */
export type ComparisonHistory = { 
/**
 * Newest first.
 */
entries: Array<ComparisonEntry>, 
/**
 * Files that cannot be read and were left out.
 */
damaged: Array<string>, 
/**
 * As many are kept; of more, the oldest goes.
 */
most: number, };

/**
 * One comparison. Version 7, so that the order of ids is the order of creation.
 */
export type ComparisonId = string;

/**
 * The one word for how a comparison is.
 */
export type ComparisonPhase = "idle" | "waiting" | "loading" | "answering" | "scoring" | "done" | "stopped" | "failed";

/**
 * One prompt for two or more sides.
 */
export type ComparisonRequest = { 
/**
 * What the user says.
 */
prompt: string, 
/**
 * Instructions for the whole answer.
 */
system: string | null, 
/**
 * Who answers, two to four of them. The first is the reference that the others are compared with.
 */
sides: Array<SideChoice>, 
/**
 * How the next token is picked.
 */
sampling: SamplingChoice, 
/**
 * Whether the sides answer one after the other even where all fit into memory: then speed and energy are each one's
 * own, and the answers do not stream side by side.
 */
in_turn: boolean, 
/**
 * What it is called in the history; nothing: by its prompt.
 */
name: string | null, };

/**
 * One side of a comparison.
 */
export type ComparisonSide = { 
/**
 * The model.
 */
model: ModelId, 
/**
 * Exact format; nothing where the network has not said it yet.
 */
precision: Precision | null, 
/**
 * Digest of the file; nothing for the network's.
 */
artifact: ArtifactDigest | null, 
/**
 * What the user called it, or what it is called where its precision alone does not tell the sides apart.
 */
label: string | null, 
/**
 * Size of the file; nothing for the network's.
 */
file_bytes: number | null, 
/**
 * What the process grew by when it was loaded; nothing where the system does not tell.
 */
memory_bytes: number | null, 
/**
 * What it should take at full context; 0 for the network's.
 */
estimated_memory_bytes: number, 
/**
 * How far it is.
 */
state: SideState, 
/**
 * From the request to the first token.
 */
first_token_ms: number | null, 
/**
 * Answer tokens a second behind the first one.
 */
decode_tokens_per_second: number | null, 
/**
 * Whether it answered alone. If not, the sides shared the processor, and speeds are lower than each could have.
 */
alone: boolean, 
/**
 * What the benchmark measured here, alone.
 */
benchmark_tokens_per_second: number | null, 
/**
 * What the processor took while it answered alone, in joules; nothing where it cannot be measured.
 */
energy_joules: number | null, 
/**
 * Tokens of the prompt.
 */
prompt_tokens: number | null, 
/**
 * Why the answer ended.
 */
finish: FinishReason | null, 
/**
 * The answer.
 */
tokens: Array<ComparedToken>, 
/**
 * The first token, counted from 0, that is not the reference's; for the reference, the first that any other side
 * does not have. Nothing as long as they are equal.
 */
first_divergence: number | null, 
/**
 * Tokens that are equal up to there.
 */
equal_tokens: number, 
/**
 * Mean of the divergences of its tokens, in nats; nothing until scored.
 */
mean_divergence: number | null, 
/**
 * Share of its tokens where this side and the reference expect the same one most (for the reference: it and every
 * other side); nothing until scored. Where one of them is the network's, over the network's tokens.
 */
same_top: number | null, 
/**
 * Whether it is compared with the reference letter by letter: their tokens are not the same ones.
 */
by_text: boolean, 
/**
 * Whether its chat template makes another prompt of the question than the reference's does.
 */
own_prompt: boolean, 
/**
 * Why it has no divergence, if there is a reason.
 */
unscored: Unscored | null, 
/**
 * Where it answers, if not on this machine.
 */
remote: RemoteSide | null, };

/**
 * A library in this program.
 */
export type Component = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its version.
 */
version: string, 
/**
 * Its licence (SPDX).
 */
licence: string, };

/**
 * How a held model is now.
 */
export type Condition = "whole" | "changed" | "missing";

/**
 * The connection to the router.
 */
export type Connection = { "is": "connecting" } | { "is": "connected", 
/**
 * The router's name.
 */
router: string, 
/**
 * The network's name.
 */
network: string, } | { "is": "offline", 
/**
 * Why.
 */
reason: string, 
/**
 * When it is tried again, by this machine's clock.
 */
retry_at: Millis, } | { "is": "rejected", 
/**
 * Why, and what to do.
 */
rejection: Rejection, 
/**
 * When it is tried again, by this machine's clock.
 */
retry_at: Millis, } | { "is": "stopped" };

/**
 * How often something was due, and how often it was done.
 */
export type Counter = { 
/**
 * How often it was done.
 */
points: number, 
/**
 * How often it was due.
 */
counter: number, };

/**
 * Points and counters for each kind of event, since the node is known: its reputation.
 */
export type Counters = { 
/**
 * See [`EventKind::Request`].
 */
request: Counter, 
/**
 * See [`EventKind::Create`].
 */
create: Counter, 
/**
 * See [`EventKind::Prepare`].
 */
prepare: Counter, 
/**
 * See [`EventKind::Precommit`].
 */
precommit: Counter, 
/**
 * See [`EventKind::Commit`].
 */
commit: Counter, 
/**
 * See [`EventKind::Ping`].
 */
ping: Counter, 
/**
 * See [`EventKind::Correctness`].
 */
correctness: Counter, };

/**
 * The processor.
 */
export type Cpu = { 
/**
 * As the maker calls it, such as `AMD Ryzen 9 7950X 16-Core Processor`.
 */
model: string, 
/**
 * The maker; empty if unknown.
 */
vendor: string, 
/**
 * Instruction set family: `x86_64`, `aarch64`.
 */
architecture: string, 
/**
 * Instruction set extensions an engine asks for, such as `avx2`, `fma`, `avx512f`, `neon`; empty if unknown.
 */
features: Array<string>, 
/**
 * Cores, as far as this process may use them; where the system does not tell, the logical ones.
 */
physical_cores: number, 
/**
 * Hardware threads this process may use.
 */
logical_cores: number, 
/**
 * Bytes a second that its cores read from main memory together; `None` until [`memory_bandwidth`] measured it.
 */
memory_bandwidth?: number, };

/**
 * What the desktop does with the window.
 */
export type DesktopView = { 
/**
 * Whether the miner starts, without its window, when the user logs in: as the system has it, whoever set it.
 */
starts_at_login: boolean, 
/**
 * Whether there is a tray that shows the miner's icon.
 */
has_tray: boolean, };

/**
 * A paired browser's number.
 */
export type DeviceId = number;

/**
 * What a model takes of one device.
 */
export type DeviceMemory = { 
/**
 * The card's number; nothing: the processor's memory.
 */
card: number | null, 
/**
 * Layers there.
 */
layers: number, 
/**
 * What should be taken.
 */
needed_bytes: number, 
/**
 * What may be.
 */
usable_bytes: number, };

/**
 * The disk that holds the data folder. Zero `total_bytes`: unknown.
 */
export type Disk = { 
/**
 * Where it is mounted, or the data folder itself if that is unknown.
 */
path: string, 
/**
 * What can be written.
 */
free_bytes: number, 
/**
 * Its size.
 */
total_bytes: number, };

/**
 * What models take.
 */
export type DiskView = { 
/**
 * Where ours are.
 */
folder: string, 
/**
 * What ours take, which can be freed here.
 */
ours_bytes: number, 
/**
 * What files take that the user or other programs have somewhere.
 */
others_bytes: number, 
/**
 * What unfinished downloads take.
 */
unfinished_bytes: number, 
/**
 * What is free there.
 */
free_bytes: number | null, };

/**
 * How a download is.
 */
export type DownloadPhase = { "is": "queued" } | { "is": "asking" } | { "is": "coming", 
/**
 * From where.
 */
host: string, 
/**
 * Bytes a second of late.
 */
bytes_per_second: number | null, 
/**
 * Seconds that are left at this rate.
 */
seconds_left: number | null, } | { "is": "waiting", 
/**
 * From where.
 */
host: string, 
/**
 * What happened, for programs.
 */
code: string, } | { "is": "verifying" } | { "is": "paused" } | { "is": "failed", 
/**
 * For programs.
 */
code: string, 
/**
 * What happened and what to do.
 */
message: string, };

/**
 * A model on its way.
 */
export type DownloadView = { 
/**
 * The model.
 */
id: ModelId, 
/**
 * The format.
 */
format: Precision, 
/**
 * How it is.
 */
phase: DownloadPhase, 
/**
 * Bytes that are here, where that is known.
 */
done_bytes: number | null, 
/**
 * Bytes in all, where that is known.
 */
total_bytes: number | null, };

/**
 * What was earned in a span, part by part.
 */
export type EarningsChart = { 
/**
 * How far back.
 */
span: Span, 
/**
 * Oldest first, those without earnings too. The last one goes on.
 */
buckets: Array<Bucket>, 
/**
 * Their sum.
 */
total: Amount, 
/**
 * What mining took part by part; nothing for parts that are shorter than the quarter hours it is kept by.
 */
electricity: ChartElectricity | null, };

/**
 * Where earnings stand and came from.
 */
export type EarningsReport = { 
/**
 * Since when `sources` and `electricity` are counted.
 */
since: Since, 
/**
 * All pay there is, since the first run.
 */
states: PayStates, 
/**
 * By what was served, the most first.
 */
sources: Array<SourceEarnings>, 
/**
 * What it took, and what is left.
 */
electricity: ElectricityReport, 
/**
 * What the next 24 hours may bring, by the hours that were mined.
 */
forecast: Forecast, 
/**
 * What 24 hours of typical requests, one after the other, would pay in the present mode, by the benchmark and the
 * network's prices.
 */
planned: Amount | null, };

/**
 * Sums over the ledger.
 */
export type EarningsSummary = { 
/**
 * Since the given start of the day.
 */
today: Amount, 
/**
 * Since the first run.
 */
total: Amount, 
/**
 * User requests served and paid since the first run.
 */
requests: number, 
/**
 * User requests that were not paid.
 */
requests_void: number, 
/**
 * Network tests passed and paid.
 */
tests: number, 
/**
 * Network tests that were not paid.
 */
tests_void: number, 
/**
 * By what the miner had chosen.
 */
by_mode: Array<ModeEarnings>, };

/**
 * What the user says of electricity and of credits. Holds from when it is saved.
 */
export type Electricity = { 
/**
 * Watts that this machine takes more while it mines. Default: what the counters of the processor and the card say.
 */
watts: number | null, 
/**
 * What a kilowatt hour costs, in `currency`. Default: not known, and nothing is said of costs.
 */
price_per_kwh: Money | null, 
/**
 * The currency, as it is to be shown.
 */
currency: string, 
/**
 * What one credit is worth to you, in `currency`. Default: not known. Practice credits are worth nothing.
 */
value_per_credit: Money | null, };

/**
 * What mining took over a time, what that cost, and what is left of what was earned meanwhile.
 */
export type ElectricityReport = { 
/**
 * Time with a model loaded, and the energy of it.
 */
mined: MinedTime, 
/**
 * Whether the processor's own counters can be read, now.
 */
counter: ProcessorCounter, 
/**
 * By which settings the rest is.
 */
settings: Electricity, 
/**
 * What was earned while that time was kept.
 */
earned: Amount, 
/**
 * What the energy cost; `None` without a price, or where nothing was read.
 */
cost: Money | null, 
/**
 * What was earned, in the user's currency.
 */
worth: Money | null, 
/**
 * What is left of that without the cost.
 */
net: Balance | null, 
/**
 * Why there is none.
 */
no_net: NoNet | null, };

/**
 * A figure and its standard error.
 */
export type Estimate = { 
/**
 * The figure.
 */
value: number, 
/**
 * Its standard error: 95 of 100 texts of this kind would be within twice of it.
 */
error: number, };

/**
 * Kinds of event that points and counters are kept for.
 */
export type EventKind = "request" | "create" | "prepare" | "precommit" | "commit" | "ping" | "correctness";

/**
 * One thing the network observed, and what it asks for.
 */
export type Evidence = { 
/**
 * What was looked at, such as `prefill rate`.
 */
what: string, 
/**
 * What was seen, with its unit.
 */
seen: string, 
/**
 * What the next tier asks for, with its unit.
 */
asked: string, 
/**
 * Whether that was met.
 */
met: boolean, 
/**
 * The same for programs; nothing where the router is older, or its code is newer than the node.
 */
found?: TierEvidence, };

/**
 * How a comparison is written down for others.
 */
export type ExportFormat = "markdown" | "csv";

/**
 * Something that was asked for and not done. What was before goes on.
 */
export type Failure = { 
/**
 * For programs.
 */
code: FailureCode, 
/**
 * For people: what is wrong and what to do.
 */
message: string, 
/**
 * The setting that is wrong, by its name in `settings.toml`, if one is.
 */
field?: string, };

/**
 * Kinds of failures, by what helps.
 */
export type FailureCode = "stopped" | "not_loaded" | "not_kept" | "settings" | "identity" | "passphrase" | "ledger" | "file" | "network" | "request" | "busy" | "memory" | "model" | "not_comparable" | "engine";

/**
 * Weights that could not have the format of the others, and have the next finer one.
 */
export type Fallback = { 
/**
 * The tensor.
 */
tensor: string, 
/**
 * Values in one of its rows, which must be a multiple of the format's block.
 */
row: number, 
/**
 * The format of the others.
 */
wanted: Precision, 
/**
 * The format it has.
 */
used: Precision, };

/**
 * The one word for how a report is.
 */
export type FidelityPhase = "idle" | "waiting" | "loading" | "scoring" | "done" | "stopped" | "failed";

/**
 * How far precisions are from the reference over a text.
 */
export type FidelityReport = { 
/**
 * When the latest window was scored.
 */
at: Millis, 
/**
 * Over what.
 */
text: TextFacts, 
/**
 * The engine and its version: figures hold for one version.
 */
engine: string, 
/**
 * The model.
 */
model: ModelId, 
/**
 * What the others are compared with.
 */
reference: ReportedFile, 
/**
 * The most exact first; the reference is not among them.
 */
precisions: Array<FidelityRow>, };

/**
 * The reports that were kept.
 */
export type FidelityReports = { 
/**
 * Newest first.
 */
reports: Array<FidelityReport>, 
/**
 * Files that cannot be read and were left out.
 */
damaged: Array<string>, };

/**
 * A text, a reference, and the precisions to hold against it.
 */
export type FidelityRequest = { 
/**
 * The text.
 */
text: TextChoice, 
/**
 * What the others are compared with.
 */
reference: SideChoice, 
/**
 * Which; none: all the others.
 */
precisions: Array<Precision>, 
/**
 * Most windows of 512 tokens to score; nothing: the whole text.
 */
most_windows: number | null, };

/**
 * One precision against the reference.
 */
export type FidelityRow = { 
/**
 * The file.
 */
file: ReportedFile, 
/**
 * Windows scored.
 */
windows: number, 
/**
 * Whether these are all of the text.
 */
whole: boolean, 
/**
 * The figures.
 */
statistics: Statistics, 
/**
 * The loss, for people.
 */
words: string, };

/**
 * A report under way.
 */
export type FidelityRun = { 
/**
 * The one word.
 */
phase: FidelityPhase, 
/**
 * What was asked.
 */
request: FidelityRequest | null, 
/**
 * Whether the models are in memory together, and why.
 */
arrangement: Arrangement | null, 
/**
 * What the miner does meanwhile.
 */
mining: MiningMeanwhile, 
/**
 * 0 to 1.
 */
progress: number, 
/**
 * What is being loaded or scored.
 */
precision: Precision | null, 
/**
 * Windows scored on all precisions.
 */
windows_done: number, 
/**
 * Windows in all.
 */
windows: number, 
/**
 * Of these, known from an earlier run that was stopped.
 */
windows_resumed: number, 
/**
 * Tokens scored a second, over all models.
 */
tokens_per_second: number | null, 
/**
 * Seconds until the end, by what was scored so far.
 */
seconds_left: number | null, 
/**
 * The same by model, the reference first.
 */
scoring: Array<ScoringSpeed>, 
/**
 * What is known so far.
 */
report: FidelityReport | null, 
/**
 * What went wrong and what to do.
 */
failure: Failure | null, };

/**
 * How a link is.
 */
export type Finding = { "is": "fine" } | { "is": "unknown" } | { "is": "cause", 
/**
 * What it is, with its facts.
 */
cause: Cause, };

/**
 * Why an answer ended.
 */
export type FinishReason = "stop" | "length" | "cancelled";

/**
 * The screens of the first run, in order.
 */
export type FirstRunScreen = "welcome" | "plan" | "keep" | "over";

/**
 * How far the first run is.
 */
export type FirstRunView = { 
/**
 * What is shown.
 */
screen: FirstRunScreen, 
/**
 * Whether the user has said that the miner may start.
 */
started: boolean, 
/**
 * Milliseconds from there until the miner took requests. Nothing if that was not seen, such as when the program was
 * ended in between: nobody waited for it then.
 */
ready_ms: number | null, 
/**
 * Milliseconds from there until the first request of a user was served and paid. Likewise.
 */
served_ms: number | null, 
/**
 * Whether the user has seen these figures.
 */
told: boolean, };

/**
 * Whether something fits into memory.
 */
export type Fit = "fits" | "fits_with_less_context" | "does_not_fit";

/**
 * A folder that a user may want to look into.
 */
export type Folder = "data" | "logs" | "models";

/**
 * What is said of the next 24 hours, if the miner mines all of them.
 */
export type Forecast = { "is": "not_enough", 
/**
 * Whole hours that were mined.
 */
hours: number, 
/**
 * Hours that it takes.
 */
needed: number, } | { "is": "nothing", 
/**
 * Whole hours that were mined.
 */
hours: number, } | { "is": "amount", 
/**
 * Whole hours that were mined.
 */
hours: number, 
/**
 * What is expected.
 */
mean: Amount, 
/**
 * With 90 % confidence not less than this.
 */
least: Amount, 
/**
 * And not more than this.
 */
most: Amount, };

/**
 * The shape of a model, as its file tells it.
 */
export type Geometry = { 
/**
 * Parameters.
 */
parameters: number, 
/**
 * Transformer blocks.
 */
layers: number, 
/**
 * Width of the residual stream.
 */
hidden: number, 
/**
 * Width inside the feed-forward blocks.
 */
feed_forward: number, 
/**
 * Attention heads.
 */
heads: number, 
/**
 * Heads that keep keys and values.
 */
kv_heads: number, 
/**
 * Values in a head.
 */
head_width: number, 
/**
 * Most tokens the model was trained for.
 */
context_tokens: number, 
/**
 * Tokens in the vocabulary.
 */
vocabulary: number, 
/**
 * Whether the last layer is the token embeddings once more, and the file has them once.
 */
tied_embeddings: boolean, };

/**
 * How the miner is, for whoever looks from another device.
 */
export type Glance = { 
/**
 * The one word.
 */
phase: Phase, 
/**
 * Since when that is so, as far as the page has seen.
 */
since: Millis, 
/**
 * When the user's pause is over by itself.
 */
paused_until: Millis | null, 
/**
 * Why it steps aside.
 */
aside: Array<AsideKind>, 
/**
 * What must be seen to, by what helps. The words of the miner name files, and stay there.
 */
problem: ProblemCode | null, 
/**
 * What is served.
 */
model: ModelId | null, 
/**
 * In which exact format.
 */
precision: Precision | null, 
/**
 * What the user chose.
 */
mode: Mode | null, 
/**
 * Requests being answered.
 */
running: number, 
/**
 * What the network tested of it.
 */
tier: Tier | null, 
/**
 * How far the network trusts it.
 */
level: Level | null, 
/**
 * User requests served and paid.
 */
requests: number, 
/**
 * Earned today.
 */
today: Amount, 
/**
 * Earned in all.
 */
total: Amount, 
/**
 * Whether that is worth nothing. So it is taken to be until the network is known.
 */
practice: boolean, 
/**
 * Answer tokens a second, as the benchmark measured them.
 */
tokens_per_second: number | null, 
/**
 * Requests in an hour since the mode was chosen.
 */
requests_per_hour: number | null, 
/**
 * What to know beside that.
 */
warnings: Array<Warning>, };

/**
 * What is loaded after memory ran out.
 */
export type GoesOn = { 
/**
 * The model.
 */
model: ModelId, 
/**
 * Exact format.
 */
precision: Precision, 
/**
 * With what.
 */
load: Load, };

/**
 * A graphics card.
 */
export type Gpu = { 
/**
 * Its number among the cards of this machine, by which [`Overrides::gpus`] names it.
 */
index: number, 
/**
 * The maker: `NVIDIA`, `AMD`, `Intel`, `Apple`, or as the system calls it.
 */
vendor: string, 
/**
 * The card.
 */
model: string, 
/**
 * Its memory; `None` if unknown.
 */
total_bytes: number | null, 
/**
 * Free memory now; `None` if unknown.
 */
free_bytes: number | null, 
/**
 * Whether the engine can compute on it.
 */
usable: GpuUse, 
/**
 * Whether it shares the machine's main memory; `None` if unknown.
 */
integrated: boolean | null, 
/**
 * Version of its driver, where that is known.
 */
driver: string | null, 
/**
 * Through what an engine computes on it; `None`: through nothing that is known here, or its driver does not answer.
 */
backend?: Backend, 
/**
 * Bytes a second that it reads from its own memory, as its driver tells; `None` if unknown.
 */
memory_bandwidth?: number, };

/**
 * Whether the engine of this build can compute on a card.
 */
export type GpuUse = { "use": "usable" } | { "use": "not_yet", 
/**
 * Why, and what would change it.
 */
reason: string, };

/**
 * This machine, as far as it can be known.
 */
export type Hardware = { 
/**
 * The processor.
 */
cpu: Cpu, 
/**
 * Main memory.
 */
memory: Memory, 
/**
 * The disk the data folder is on.
 */
disk: Disk, 
/**
 * Every graphics card that was seen, usable or not.
 */
gpus: Array<Gpu>, 
/**
 * Operating system and its version.
 */
os: string, };

/**
 * A card that this build leaves alone.
 */
export type IdleCard = { 
/**
 * Its number.
 */
index: number, 
/**
 * The card.
 */
model: string, 
/**
 * Free memory now, in bytes; nothing if unknown.
 */
free_bytes: number | null, };

/**
 * A key that was taken over and read back from where it is kept now. That it exists is what wiping the file asks for.
 */
export type ImportedEnv = { 
/**
 * Whose key it is.
 */
address: NodeAddress, 
/**
 * Where it is kept.
 */
place: KeyPlace, 
/**
 * The file, which still has it in plain text.
 */
file: string, 
/**
 * Variables of the file that mean nothing here.
 */
not_used: Array<string>, };

/**
 * A breakdown of the engine.
 */
export type Incident = { 
/**
 * When.
 */
at: Millis, 
/**
 * What broke.
 */
kind: BreakdownKind, 
/**
 * What the engine said.
 */
message: string, 
/**
 * What was loaded.
 */
model: ModelId | null, 
/**
 * Exact format.
 */
precision: Precision | null, 
/**
 * Most tokens of prompt and answer together.
 */
context_tokens: number | null, 
/**
 * Requests worked on at a time.
 */
slots: number | null, 
/**
 * What was done about it.
 */
repair: Repair, 
/**
 * With what it goes on, where that is less than before.
 */
goes_on: GoesOn | null, };

/**
 * What a user task asked and what was answered.
 */
export type KeptPrompt = { 
/**
 * Which task.
 */
task: TaskId, 
/**
 * What was asked.
 */
prompt: string, 
/**
 * What was answered.
 */
answer: string, };

/**
 * A vote that was cast.
 */
export type KeptVote = { 
/**
 * When.
 */
at: Millis, 
/**
 * What was asked.
 */
prompt: string, 
/**
 * Who was who.
 */
sides: Revealed, 
/**
 * How the user voted.
 */
choice: VoteChoice, };

/**
 * Where a key is kept.
 */
export type KeyPlace = "keychain" | "keystore";

/**
 * A language that the window has words in, by its code (ISO 639-1).
 */
export type Language = "en" | "de" | "es";

/**
 * A node level, 0 to 10.
 */
export type Level = number;

/**
 * How something failed that a node was to do.
 */
export type LevelFailure = "missed_deadline" | "wrong_answer" | "failed_audit";

/**
 * What the next level asks for, and what of it is there.
 */
export type LevelProgress = { 
/**
 * The next level.
 */
level: Level, 
/**
 * Tests to pass in a row at the present level.
 */
consecutive_needed: number, 
/**
 * Tests passed in a row at the present level.
 */
consecutive_had: number, 
/**
 * Share of the latest tests to pass.
 */
percentage_needed: Percentage, 
/**
 * Share of the latest tests that was passed; `None` before the first.
 */
percentage_had: Percentage | null, };

/**
 * What a level asks for of the latest tests.
 */
export type LevelShare = { 
/**
 * So much is to be passed.
 */
needed: Percentage, 
/**
 * So much was.
 */
had: Percentage, };

/**
 * What counted for a level, or was looked at and did not. Its `Display` is the English sentence.
 */
export type LevelSighting = { "code": "questions", 
/**
 * Wholly right answers.
 */
right: number, 
/**
 * Of so many.
 */
questions: number, 
/**
 * Right ones that are asked for.
 */
needed: number, } | { "code": "open_question", 
/**
 * What it got of the highest marks.
 */
marks: Percentage, 
/**
 * What is asked for of them.
 */
needed: Percentage, } | { "code": "step_in_time", 
/**
 * Where the task came from.
 */
task: TaskKind, 
/**
 * Which step.
 */
step: EventKind, } | { "code": "step_missed", 
/**
 * Where the task came from.
 */
task: TaskKind, 
/**
 * Which step.
 */
step: EventKind, } | { "code": "task_failed", 
/**
 * Where it came from.
 */
task: TaskKind, 
/**
 * Why.
 */
reason: UnpaidReason, } | { "code": "rounds_parted", 
/**
 * So many,
 */
parted: number, 
/**
 * of the last so many.
 */
rounds: number, } | { "code": "round_drawn" } | { "code": "round_joined" } | { "code": "round_left" } | { "code": "audit_failed", 
/**
 * What was claimed.
 */
precision: Precision, 
/**
 * The validators' engine.
 */
engine: string, } | { "code": "heartbeat" } | { "code": "no_heartbeat" };

/**
 * The smallest change that would raise a level. Its `Display` is the English sentence.
 */
export type LevelStep = { "code": "pass", 
/**
 * So many in a row.
 */
tests: number, 
/**
 * The next level.
 */
level: Level, 
/**
 * They count only when the cool-down is over.
 */
after_cool_down: boolean, 
/**
 * Why it is more tests than the row alone needs, if it is.
 */
share: LevelShare | null, 
/**
 * What went wrong last, if anything did.
 */
last_failure: LevelFailure | null, } | { "code": "highest" };

/**
 * One test that counted for the level.
 */
export type LevelTest = { 
/**
 * What was looked at.
 */
kind: EventKind, 
/**
 * When.
 */
at: Millis, 
/**
 * Whether it was passed.
 */
passed: boolean, 
/**
 * What was seen, for people.
 */
seen: string, 
/**
 * The same for programs; nothing where the router is older, or its code is newer than the node.
 */
sighting?: LevelSighting, };

/**
 * The links, in order.
 */
export type Link = "miner" | "rules" | "pause" | "connection" | "test" | "standing" | "demand" | "pay" | "plan" | "electricity";

/**
 * The list of what the network serves.
 */
export type ListView = { 
/**
 * Its version.
 */
version: number, 
/**
 * Until when models may be got by it, as RFC 3339.
 */
expires: string, 
/**
 * Whether that is over.
 */
expired: boolean, };

/**
 * What the list says of a model.
 */
export type ListedFacts = { 
/**
 * What it is a kind of.
 */
family: string, 
/**
 * Licence of the weights.
 */
licence: string, 
/**
 * Weights.
 */
parameters: number, 
/**
 * Most tokens it was trained for.
 */
context_tokens: number, };

/**
 * A task that the node works on, or has committed and not seen settled.
 */
export type LiveTask = { 
/**
 * Which.
 */
task: TaskId, 
/**
 * Which go at it, from 1.
 */
attempt: number, 
/**
 * Where it comes from.
 */
kind: TaskKind, 
/**
 * Model.
 */
model: ModelId, 
/**
 * Exact format.
 */
precision: Precision, 
/**
 * What the miner had chosen.
 */
mode: Mode, 
/**
 * When the node took it.
 */
begun_at: Millis, 
/**
 * Tokens of the prompt, once it is encoded.
 */
prompt_tokens: number | null, 
/**
 * Tokens of the answer so far.
 */
answer_tokens: number, 
/**
 * How far.
 */
state: LiveTaskState, };

/**
 * How far a live task is.
 */
export type LiveTaskState = "answering" | "committed";

/**
 * What to load with.
 */
export type Load = { 
/**
 * Most tokens of prompt and answer together.
 */
context_tokens: number, 
/**
 * Requests worked on at a time.
 */
slots: number, };

/**
 * What is loaded.
 */
export type Loaded = { 
/**
 * Model.
 */
model: ModelId, 
/**
 * Exact format.
 */
precision: Precision, 
/**
 * For which mode.
 */
mode: Mode, 
/**
 * What the planner expected the process to grow by when it was loaded, in bytes.
 */
estimated_bytes: number, 
/**
 * What it did grow by.
 */
measured_bytes: number | null, 
/**
 * What is expected with every slot at work at full context.
 */
most_bytes: number, 
/**
 * Seconds it took to load.
 */
seconds: number, 
/**
 * Number of the graphics card that it computes on; nothing on the processor.
 */
card?: number, };

/**
 * A minute of the week, by the clock on the wall.
 */
export type LocalTime = { 
/**
 * The day.
 */
weekday: Weekday, 
/**
 * Minutes since its midnight, below 1440.
 */
minute: number, };

/**
 * How grave a line is.
 */
export type LogLevel = "error" | "warn" | "info" | "debug" | "trace";

/**
 * One event.
 */
export type LogLine = { 
/**
 * When.
 */
at: Millis, 
/**
 * How grave.
 */
level: LogLevel, 
/**
 * The module that says it.
 */
target: string, 
/**
 * What it says, with its fields.
 */
message: string, };

/**
 * What the benchmark measured of one precision.
 */
export type Measured = { 
/**
 * The model.
 */
model: ModelId, 
/**
 * Exact format.
 */
precision: Precision, 
/**
 * What was measured.
 */
measurement: Measurement, 
/**
 * What it loses against the reference; nothing if that was not measured, or if it is the reference.
 */
loss?: MeasuredLoss, };

/**
 * What a precision loses against the reference, as the newest report measured it.
 */
export type MeasuredLoss = { 
/**
 * What it was compared with.
 */
reference: Precision, 
/**
 * Share of the words where both expect the same one most.
 */
same_top: number, 
/**
 * Mean divergence, in nats.
 */
divergence: number, 
/**
 * Words that were scored.
 */
tokens: number, 
/**
 * The same, for people.
 */
words: string, };

/**
 * What one artifact does on one machine with one version of the engine; the caller keeps those apart.
 */
export type Measurement = { 
/**
 * Which.
 */
artifact: ArtifactDigest, 
/**
 * Through what it computed, beside the processor.
 */
backend?: Backend, 
/**
 * Prompt tokens a second.
 */
prefill_tokens_per_second: number, 
/**
 * Answer tokens a second, one request at a time.
 */
decode_tokens_per_second: number, 
/**
 * Milliseconds from a short request to its first token.
 */
first_token_ms: number, 
/**
 * Seconds to load it.
 */
load_seconds: number, 
/**
 * Share of the processor (0 to 1) that other programs took meanwhile; `None` where the system does not tell.
 */
taken_by_others: number | null, 
/**
 * What the process grew by when it was loaded and used, in bytes.
 */
memory_bytes: number, 
/**
 * What was expected of that use, in bytes.
 */
estimated_memory_bytes: number, };

/**
 * Main memory.
 */
export type Memory = { 
/**
 * What this process could ever have: installed memory, or less in a container or under an override.
 */
total_bytes: number, 
/**
 * What can be taken now without swapping, within the same limits.
 */
free_bytes: number, };

/**
 * What a loaded model should take, in bytes, by cause.
 */
export type MemoryEstimate = { 
/**
 * The weights, as they lie in memory.
 */
weights_bytes: number, 
/**
 * Keys and values of every slot at full context.
 */
kv_cache_bytes: number, 
/**
 * Activations and logits of a prompt.
 */
working_bytes: number, 
/**
 * What the engine takes besides: tokenizer, graph, threads.
 */
engine_bytes: number, };

/**
 * That an artifact ran out of memory on a device of this machine.
 */
export type MemoryLimit = { 
/**
 * Which file.
 */
artifact: ArtifactDigest, 
/**
 * On what it computed; nothing: the processor.
 */
backend: Backend | null, 
/**
 * The most that it ran out of memory with.
 */
failed: Load, 
/**
 * The most that it is loaded with since; nothing: there is no less, so it is not loaded at all.
 */
most: Load | null, };

/**
 * Milliseconds since the Unix epoch, as the router's clock has it.
 */
export type Millis = number;

/**
 * A stretch of time with a model loaded, and the energy that it took.
 */
export type MinedTime = { 
/**
 * Milliseconds.
 */
lasted_ms: number, 
/**
 * Millijoules that the processors' own counters told. They count whole packages, whatever runs on them.
 */
processor_mj: number, 
/**
 * Millijoules that the driver of the graphics card told.
 */
cards_mj: number, 
/**
 * Millijoules by the figure in watts that the user gave.
 */
figure_mj: number, 
/**
 * Milliseconds of it for which nothing could be read and no figure was given.
 */
unread_ms: number, };

/**
 * What the miner does meanwhile.
 */
export type MiningMeanwhile = "nothing" | "goes_on" | "paused";

/**
 * The miner's switch.
 */
export type Mode = "precision" | "volume";

/**
 * Sums for one mode.
 */
export type ModeEarnings = { 
/**
 * Which.
 */
mode: Mode, 
/**
 * Paid, network tests included.
 */
total: Amount, 
/**
 * User requests served and paid.
 */
requests: number, };

/**
 * One side of the switch.
 */
export type ModeView = { 
/**
 * Which.
 */
mode: Mode, 
/**
 * The model.
 */
model: ModelId, 
/**
 * Exact format.
 */
precision: Precision, 
/**
 * What the network tells apart and pays by.
 */
precision_class: PrecisionClass, 
/**
 * The tier: what was tested of the hardware, with this precision.
 */
tier: Tier | null, 
/**
 * What an hour of typical requests pays, by the benchmark and the network's prices.
 */
predicted_earnings_per_hour: Amount | null, 
/**
 * What the benchmark measured.
 */
benchmark: Measurement | null, 
/**
 * Typical requests in an hour, by the benchmark.
 */
predicted_requests_per_hour: number | null, 
/**
 * The same by the requests that were served since the mode was chosen, which need not be typical.
 */
measured_requests_per_hour: number | null, 
/**
 * What was served since the mode was chosen.
 */
work: Work, 
/**
 * What it loses against the reference; nothing if that was not measured, or if it is the reference.
 */
loss?: MeasuredLoss, };

/**
 * A model of the record, as something to choose.
 */
export type ModelFile = { 
/**
 * Its name.
 */
model: ModelId, 
/**
 * Exact format.
 */
precision: Precision, 
/**
 * Size of the file.
 */
file_bytes: number, 
/**
 * Why it cannot be compared and what to do; nothing: it can.
 */
problem: string | null, };

/**
 * The name of a model on the network, such as `smollm2-135m-instruct`. One model has several artifacts.
 */
export type ModelId = string;

/**
 * What needs a model's files.
 */
export type ModelUse = "loaded" | "starting" | "compared" | "ladder";

/**
 * A model.
 */
export type ModelView = { 
/**
 * Its name on the network; of one that is not in the list, its name here.
 */
id: ModelId, 
/**
 * Its name for people.
 */
name: string, 
/**
 * What the list says of it; nothing if it is not in the list.
 */
listed: ListedFacts | null, 
/**
 * Its formats, the most exact first.
 */
variants: Array<VariantView>, };

/**
 * The models on this machine and those that can be had.
 */
export type ModelsView = { 
/**
 * The list's models in its order, then those that are here besides; nothing before it was looked at.
 */
models: Array<ModelView> | null, 
/**
 * What they take.
 */
disk: DiskView | null, 
/**
 * The list.
 */
list: ListView | null, 
/**
 * What is on its way, in order.
 */
downloads: Array<DownloadView>, 
/**
 * Most bytes a second that downloads take.
 */
limit_bytes_per_second: number | null, 
/**
 * The import, or the format being made, that was begun last.
 */
work: WorkView | null, 
/**
 * Why what is here cannot be told.
 */
failure: Failure | null, 
/**
 * Whether they are another node's of this user, which alone changes them.
 */
shared: boolean, };

/**
 * So much of the user's currency, counted in millionths of it; a plain number in files and on the wire.
 */
export type Money = number;

/**
 * What volume brings most of.
 */
export type Most = "serves" | "earns";

/**
 * Whether the network can be asked.
 */
export type NetworkView = { 
/**
 * Where it is asked; nothing: the settings' router has no such address.
 */
api_url: string | null, 
/**
 * Whether a key for it is known. The practice network's own user always has one.
 */
has_key: boolean, };

/**
 * Why nothing is said of what is left.
 */
export type NoNet = "practice" | "no_value" | "no_price" | "no_energy";

/**
 * The address of a node's key: 0x and 40 hexadecimal digits, whose case carries a checksum (EIP-55).
 */
export type NodeAddress = string;

/**
 * How a model came here.
 */
export type Origin = "downloaded" | "made" | "imported" | "hugging_face" | "lm_studio";

/**
 * What became of a task's pay.
 */
export type Outcome = "paid" | "void" | "reversed";

/**
 * This machine, and what the starter model would take of it. Nothing is measured or written to know that.
 */
export type Outlook = { 
/**
 * What is here, within what the settings allow.
 */
hardware: Hardware, 
/**
 * The starter model's name.
 */
model: string, 
/**
 * About the most memory that it takes: in its most exact precision, with its whole context. Nothing if it cannot be told.
 */
memory_bytes: number | null, 
/**
 * What its precisions take on the disk.
 */
disk_bytes: number | null, };

/**
 * What the settings say against what was found: limits and corrections.
 */
export type Overrides = { 
/**
 * Use no more main memory than this.
 */
memory_bytes: number | null, 
/**
 * Use no more cores than this. The engine computes with no more threads, from the program's next start on.
 */
cpu_cores: number | null, 
/**
 * Look for no graphics cards.
 */
ignore_gpus: boolean, 
/**
 * Use only these graphics cards, by the numbers that `cortensor doctor` lists them with. Default: all.
 */
gpus?: Array<number>, };

/**
 * Why a browser was not paired.
 */
export type PairRefusal = { "is": "wrong", 
/**
 * So many tries are left before it is void.
 */
left: number, } | { "is": "no_code" } | { "is": "slow_down" } | { "is": "full" } | { "is": "not_kept" };

/**
 * A browser that may look.
 */
export type PairedDevice = { 
/**
 * Its number.
 */
id: DeviceId, 
/**
 * What it is, such as `Firefox on Android`.
 */
name: string, 
/**
 * When it was paired.
 */
paired_at: Millis, 
/**
 * When it last looked, to the minute.
 */
last_seen: Millis, };

/**
 * A code that is shown.
 */
export type PairingCode = { 
/**
 * Eight digits, in two groups.
 */
digits: string, 
/**
 * Until when it pairs.
 */
until: Millis, };

/**
 * What mining took in one part of a chart, what that cost, and what is left of what was earned meanwhile.
 */
export type PartElectricity = { 
/**
 * Time with a model loaded, and the energy of it.
 */
mined: MinedTime, 
/**
 * What the energy cost; `None` without a price, or where nothing was read.
 */
cost: Money | null, 
/**
 * What is left of what was earned meanwhile; `None` without a cost, or without what a credit is worth.
 */
net: Balance | null, };

/**
 * The passphrase of the key's file is needed.
 */
export type PassphraseRequest = { 
/**
 * Whether it is a new one.
 */
new: boolean, 
/**
 * What was wrong with the one before, if there was one.
 */
refused: string | null, };

/**
 * How long the user wants a pause to last.
 */
export type PauseLength = "until_resumed" | "quarter_hour" | "hour" | "until_tomorrow";

/**
 * What pay there is, by how sure it is.
 */
export type PayStates = { 
/**
 * What is not settled yet: an estimate.
 */
pending: PendingPay, 
/**
 * Settled, and not withdrawn. An audit may still take the newest of it back.
 */
confirmed: Amount, 
/**
 * Withdrawn, with the router's statement. It is not taken back.
 */
paid: Amount, 
/**
 * Tasks that were not paid, or whose pay was taken back.
 */
voided_tasks: number, 
/**
 * What was paid for the latter.
 */
taken_back: Amount, };

/**
 * Work that the network has not settled yet, and about what it pays: only its settlement says what it does.
 */
export type PendingPay = { 
/**
 * Tasks that are worked on, or done and not settled yet.
 */
tasks: number, 
/**
 * What those that can be reckoned pay by the network's prices, with the tokens that they have so far; `None` if
 * there are none such.
 */
about: Amount | null, 
/**
 * Tasks that are not in it: the network's tests, which do not pay by tokens, those whose prompt is not read yet, and
 * all of them where the network did not say its prices.
 */
unreckoned: number, };

/**
 * A share of successes, 0 to 100 %. Rounded down, so that what reads as reached is reached.
 */
export type Percentage = number;

/**
 * The one word for how the miner is.
 */
export type Phase = "starting" | "offline" | "testing" | "untrusted" | "mining" | "hindered" | "switching" | "draining" | "paused" | "stopped" | "failed";

/**
 * Where a model computes.
 */
export type Placement = { "on": "processor" } | { "on": "cards", 
/**
 * Through what.
 */
backend: Backend, 
/**
 * Which.
 */
cards: Array<number>, } | { "on": "split", 
/**
 * Through what.
 */
backend: Backend, 
/**
 * Which.
 */
cards: Array<number>, 
/**
 * Layers on them.
 */
card_layers: number, 
/**
 * Layers on the processor.
 */
processor_layers: number, };

/**
 * Both sides of the switch.
 */
export type Plan = { 
/**
 * For high-accuracy work.
 */
precision: Choice, 
/**
 * For most requests.
 */
volume: Choice, 
/**
 * Everything there is, the worthiest for precision first, then what does not fit.
 */
alternatives: Array<Alternative>, 
/**
 * What another build would make of this machine.
 */
advice: Array<string>, 
/**
 * The same for programs, in the same order; nothing where the miner is older, or one of its codes is newer.
 */
other_builds?: Array<Advice>, 
/**
 * What ran out of memory, and is planned with less since.
 */
limits: Array<MemoryLimit>, };

/**
 * How to send a request to the embedded practice network.
 */
export type Practice = { 
/**
 * Base address for `OpenAI` clients, such as `http://127.0.0.1:5010/v1`.
 */
api_url: string, 
/**
 * Key of the local user, the same at every start. It opens practice credits only.
 */
api_key: string, };

/**
 * The format most of a model's weights are stored in, named as in GGUF files.
 */
export type Precision = "F32" | "BF16" | "F16" | "Q8_0" | "Q6_K" | "Q5_1" | "Q5_0" | "Q5_K" | "Q4_1" | "Q4_0" | "Q4_K" | "Q3_K" | "Q2_K";

/**
 * Whether the weights are kept in full or quantized: what the network sells and what a tier names.
 */
export type PrecisionClass = "full" | "quantized";

/**
 * What is wrong and what to do.
 */
export type Problem = { 
/**
 * For programs.
 */
code: ProblemCode, 
/**
 * For people.
 */
message: string, };

/**
 * Kinds of problems, by what helps.
 */
export type ProblemCode = "identity" | "model" | "plan" | "engine" | "files" | "network" | "in_use";

/**
 * Whether the processor's own counters can be read.
 */
export type ProcessorCounter = "readable" | "refused" | "missing";

/**
 * The last step, which the program cannot take itself.
 */
export type ProgramRemoval = { "is": "command", 
/**
 * To be typed in a terminal.
 */
command: string, } | { "is": "file", 
/**
 * Which.
 */
path: string, } | { "is": "windows_settings" } | { "is": "bin", 
/**
 * The app.
 */
path: string, };

/**
 * The least and the most that a setting may be.
 */
export type Range = { 
/**
 * Which setting.
 */
name: string, 
/**
 * Least.
 */
least: number, 
/**
 * Most.
 */
most: number, };

/**
 * Why the miner steps aside.
 */
export type Reason = { "is": "in_use" } | { "is": "battery" } | { "is": "full_screen" } | { "is": "program", 
/**
 * Which.
 */
name: string, } | { "is": "hot", 
/**
 * The hottest sensor when it was first too hot, in degrees Celsius.
 */
celsius: number, 
/**
 * What was set.
 */
limit: number, } | { "is": "processor", 
/**
 * What they took when it was first too much, in percent of all cores.
 */
percent: number, 
/**
 * What was set.
 */
limit: number, } | { "is": "graphics", 
/**
 * What they took when it was first too much, in percent.
 */
percent: number, 
/**
 * What was set.
 */
limit: number, } | { "is": "metered" } | { "is": "hours", 
/**
 * When it goes on.
 */
until: LocalTime, };

/**
 * The router turns the node away.
 */
export type Rejection = { 
/**
 * For programs.
 */
code: RejectionCode, 
/**
 * For people: what is wrong and what to do.
 */
message: string, };

/**
 * Why a node was turned away.
 */
export type RejectionCode = "unsupported_version" | "bad_signature" | "already_connected" | "protocol_violation" | "silent" | "stopping";

/**
 * A side that the network answers.
 */
export type RemoteSide = { 
/**
 * The model as the network was asked for it.
 */
asked: string, 
/**
 * Where it was asked.
 */
api_url: string, 
/**
 * The node that answered, once that is known.
 */
node: NodeAddress | null, 
/**
 * The model of this machine by whose tokenizer the network's text is cut into tokens.
 */
tokenizer: ModelId, 
/**
 * Whether the network told which tokens it expected.
 */
tells_top: boolean, };

/**
 * What the user wants.
 */
export type RemovalChoice = { 
/**
 * What is to be deleted.
 */
delete: Array<RemovalPart>, 
/**
 * The last four characters of the node's address, typed by whoever wants its key deleted.
 */
address_end: string | null, };

/**
 * What was earned here and not withdrawn.
 */
export type RemovalEarnings = { 
/**
 * So much.
 */
left: Amount, 
/**
 * Whether they are practice credits, which are worth nothing.
 */
practice: boolean, };

/**
 * A part that is here.
 */
export type RemovalItem = { 
/**
 * Which.
 */
part: RemovalPart, 
/**
 * What it takes on the disk.
 */
bytes: number, 
/**
 * How many files it is; of prompts, how many.
 */
count: number, 
/**
 * Whether it is deleted unless the user says otherwise.
 */
deletes: boolean, };

/**
 * The key that is here.
 */
export type RemovalKey = { 
/**
 * Whose it is.
 */
address: NodeAddress, 
/**
 * Where it is kept.
 */
place: KeyPlace, 
/**
 * When its user last saved a copy of it, if that was done on this computer.
 */
saved_at: Millis | null, };

/**
 * What became of a part.
 */
export type RemovalOutcome = { "is": "deleted" } | { "is": "kept" } | { "is": "failed", 
/**
 * Why, and what to do.
 */
message: string, };

/**
 * What can be deleted or kept by itself, in the order in which it is shown and done. The key is last: whatever fails before,
 * it is still there.
 */
export type RemovalPart = "autostart" | "service" | "models" | "comparisons" | "updates" | "logs" | "prompts" | "settings" | "earnings" | "key";

/**
 * What there is of the miner on this computer.
 */
export type RemovalPlan = { 
/**
 * Where everything is kept.
 */
folder: string, 
/**
 * What is here, in order.
 */
items: Array<RemovalItem>, 
/**
 * The key, if there is one.
 */
key: RemovalKey | null, 
/**
 * What was not withdrawn, if there is a ledger that can be read.
 */
earnings: RemovalEarnings | null, 
/**
 * Files in the folder that this program did not make, and links: they stay.
 */
unknown: Array<string>, 
/**
 * Other nodes of this user that are kept here. They stay, and the models, which are theirs too, with them.
 */
nodes: Array<string>, 
/**
 * How the program itself is removed.
 */
program: ProgramRemoval, };

/**
 * What was done.
 */
export type RemovalReport = { 
/**
 * Part by part.
 */
steps: Array<RemovalStep>, 
/**
 * Files that this program did not make: they are where they were.
 */
unknown: Array<string>, 
/**
 * Where everything was kept.
 */
folder: string, 
/**
 * Whether that folder is gone.
 */
folder_gone: boolean, 
/**
 * How the program itself is removed.
 */
program: ProgramRemoval, };

/**
 * A part that was dealt with.
 */
export type RemovalStep = { 
/**
 * What it was.
 */
item: RemovalItem, 
/**
 * What became of it.
 */
outcome: RemovalOutcome, };

/**
 * What was done about a breakdown.
 */
export type Repair = "loaded_again" | "loaded_smaller" | "given_up";

/**
 * A model file in a report.
 */
export type ReportedFile = { 
/**
 * Exact format.
 */
precision: Precision, 
/**
 * Digest of the file.
 */
artifact: ArtifactDigest, 
/**
 * Size of the file.
 */
file_bytes: number, 
/**
 * What the benchmark measured here; nothing if it did not.
 */
decode_tokens_per_second: number | null, 
/**
 * For which modes the planner chooses it.
 */
chosen_for: Array<Mode>, };

/**
 * Which is which.
 */
export type Revealed = { 
/**
 * Who gave answer A.
 */
first: Precision, 
/**
 * Who gave answer B.
 */
second: Precision, };

/**
 * An update that was undone.
 */
export type RolledBack = { 
/**
 * What did not work.
 */
version: string, 
/**
 * What runs again.
 */
to: string, 
/**
 * What it did.
 */
reason: string, 
/**
 * When.
 */
at: Millis, };

/**
 * When to step aside. A number of 0 turns its rule off.
 */
export type Rules = { 
/**
 * Pause while somebody uses this computer, and for so many seconds after the last key or movement of the mouse.
 */
in_use_seconds: number, 
/**
 * Pause on battery.
 */
battery: boolean, 
/**
 * Pause while a program fills the screen: games, films.
 */
full_screen: boolean, 
/**
 * Pause while one of these runs, by the name of its file.
 */
programs: Array<string>, 
/**
 * Pause above this, in degrees Celsius, by the hottest sensor.
 */
celsius: number, 
/**
 * Pause while other programs take more of all cores than this, in percent.
 */
others_cpu_percent: number, 
/**
 * Pause while other programs take more of the graphics card than this, in percent.
 */
others_gpu_percent: number, 
/**
 * Pause while the connection is paid for by volume.
 */
metered: boolean, 
/**
 * Mine only then, such as `mon-fri 18:00-08:00`. Empty: at any time.
 */
hours: string[], };

/**
 * A variant that was not chosen.
 */
export type RunnerUp = { 
/**
 * Which model.
 */
model: ModelId, 
/**
 * In which format.
 */
precision: Precision, 
/**
 * Its file.
 */
artifact: ArtifactDigest, 
/**
 * In words.
 */
why_not: string, 
/**
 * The same for programs; nothing where the miner is older, or its code is newer.
 */
why?: Verdict, };

/**
 * How the next token is picked. A temperature of 0 is greedy: always the likeliest one, reproducible.
 */
export type SamplingChoice = { 
/**
 * 0 to 2.
 */
temperature: number, 
/**
 * Keep the smallest set of tokens whose probabilities add up to this: above 0, at most 1.
 */
top_p: number | null, 
/**
 * Most tokens of an answer: 1 to 1024.
 */
max_tokens: number, };

/**
 * How fast a model scores.
 */
export type ScoringSpeed = { 
/**
 * Exact format.
 */
precision: Precision, 
/**
 * Tokens a second.
 */
tokens_per_second: number, };

/**
 * The settings. Everything has a default; an unknown name is an error, so that a slip of the pen is not ignored.
 */
export type Settings = { 
/**
 * Most memory the model may take, in bytes. Default: what is free.
 */
memory_budget_bytes: number | null, 
/**
 * Most tokens of prompt and answer together. Default: the model's, up to 4096.
 */
context_tokens: number | null, 
/**
 * Requests worked on at a time. Default: by the planner.
 */
slots: number | null, 
/**
 * The router's node endpoint, such as `wss://router.example/node/v1`. Default: the embedded practice network.
 */
router: string | null, 
/**
 * Where the embedded router listens.
 */
listen: string, 
/**
 * Where earnings are to go, on a network that pays out: an address, best not the node's own, whose key is on this
 * machine.
 */
payout_address: string | null, 
/**
 * Whether prompts and answers of user requests are kept on this machine, to be looked at. Turning it off deletes
 * those that were kept.
 */
keep_prompts: boolean, 
/**
 * Language of the window. Default: the system's. Holds from when it is saved.
 */
language: Language | null, 
/**
 * Whether closing the window leaves the miner at work behind its icon in the tray, where there is one.
 */
close_to_tray: boolean, 
/**
 * Whether the user is told, outside the window too, what needs them.
 */
notifications: boolean, 
/**
 * What is done about newer versions of the program: `automatic`, `ask` or `off`. Holds from when it is saved.
 */
updates: UpdatePolicy, 
/**
 * Which newer versions are looked at: `stable` or `beta`. Holds from when it is saved.
 */
update_channel: UpdateChannel, 
/**
 * Corrections to the hardware that was found.
 */
hardware: Overrides, 
/**
 * When to step aside. Holds from when it is saved.
 */
manners: Rules, 
/**
 * What electricity costs and what credits are worth to you. Holds from when it is saved.
 */
electricity: Electricity, 
/**
 * The page in the local network that says how the miner is. Holds from when it is saved in the window.
 */
status_page: StatusPageSettings, };

/**
 * The settings and what there is to know for changing them.
 */
export type SettingsView = { 
/**
 * As they stand in the file.
 */
settings: Settings, 
/**
 * As they would be without a file.
 */
defaults: Settings, 
/**
 * Least and most of the numbers.
 */
ranges: Array<Range>, 
/**
 * The file.
 */
path: string, 
/**
 * Whether the miner runs with others and has to start again to use these.
 */
restart_needed: boolean, 
/**
 * Why the file is not understood; the settings are the defaults then, and saving replaces the file.
 */
problem: string | null, };

/**
 * One line of the router's ledger that concerns the node. The node's own ledger is a copy of these.
 */
export type Settlement = { 
/**
 * Counts up by one for each node; the key that makes receiving it twice harmless.
 */
sequence: number, 
/**
 * Which task.
 */
task: TaskId, 
/**
 * Where the task came from.
 */
kind: TaskKind, 
/**
 * Model.
 */
model: ModelId, 
/**
 * Exact format it was served in.
 */
precision: Precision, 
/**
 * What the miner had chosen.
 */
mode: Mode, 
/**
 * Tokens in and out.
 */
usage: Usage, 
/**
 * Milliseconds from taking the task to the first token.
 */
first_token_ms: number, 
/**
 * Milliseconds from taking the task to the last token.
 */
total_ms: number, 
/**
 * When.
 */
settled_at: Millis, } & ({ "status": "paid", 
/**
 * How much.
 */
amount: Amount, } | { "status": "void", 
/**
 * Why, for people.
 */
reason: string, 
/**
 * The same for programs; nothing where the router is older, or its code is newer than the node.
 */
why?: UnpaidReason, } | { "status": "reversed", 
/**
 * How much.
 */
amount: Amount, 
/**
 * Number of the settlement that it was booked with.
 */
reverses: number, 
/**
 * Why, for people.
 */
reason: string, 
/**
 * The same for programs; nothing where the router is older, or its code is newer than the node.
 */
why?: UnpaidReason, });

/**
 * How models share the memory.
 */
export type Sharing = "together" | "one_by_one";

/**
 * Who answers.
 */
export type SideChoice = { "is": "most_exact" } | { "is": "precision", 
/**
 * Exact format.
 */
precision: Precision, } | { "is": "artifact", 
/**
 * Digest of the file.
 */
digest: ArtifactDigest, 
/**
 * What it is called here; nothing: by its precision.
 */
label: string | null, } | { "is": "model", 
/**
 * Its name in the record of models.
 */
model: ModelId, 
/**
 * Exact format.
 */
precision: Precision, } | { "is": "remote", 
/**
 * The model as the network is to be asked for it, with what is wanted of it, such as
 * `smollm2-135m-instruct:high-accuracy`. Nothing: the first model of this machine, in high accuracy.
 */
model: string | null, };

/**
 * How far a side is.
 */
export type SideState = "waiting" | "loading" | "answering" | "answered" | "scored";

/**
 * Since when.
 */
export type Since = "today" | "week" | "ever";

/**
 * What came of serving one thing.
 */
export type SourceEarnings = { 
/**
 * Tasks that were paid, the network's tests included.
 */
tasks: number, 
/**
 * Tokens of their prompts.
 */
prompt_tokens: number, 
/**
 * Tokens of their answers.
 */
answer_tokens: number, 
/**
 * What they paid.
 */
earned: Amount, 
/**
 * Milliseconds for which this was loaded; 0 where that was not kept yet.
 */
mined_ms: number, 
/**
 * What of `earned` was settled since that time is kept.
 */
earned_meanwhile: Amount, 
/**
 * What an hour of serving it brought; `None` for too little time to tell.
 */
per_hour: Amount | null, 
/**
 * What the miner had chosen.
 */
mode: Mode, 
/**
 * The model.
 */
model: ModelId, 
/**
 * Exact format.
 */
precision: Precision, };

/**
 * How far back.
 */
export type Span = "hour" | "day" | "week";

/**
 * What a variant should do, by the speed of memory.
 */
export type SpeedEstimate = { 
/**
 * Answer tokens a second.
 */
decode_tokens_per_second: number, 
/**
 * Typical requests in an hour.
 */
requests_per_hour: number, 
/**
 * The truth should be within this factor, up or down.
 */
error_factor: number, };

/**
 * The spread of the divergences.
 */
export type Spread = { 
/**
 * Half are smaller.
 */
median: number, 
/**
 * 90 of 100 are smaller.
 */
percent_90: number, 
/**
 * 95 of 100 are smaller.
 */
percent_95: number, 
/**
 * 99 of 100 are smaller.
 */
percent_99: number, 
/**
 * The largest.
 */
most: number, };

/**
 * Where a node stands and why, for the miner's app.
 */
export type Standing = { 
/**
 * Its level.
 */
level: Level, 
/**
 * What the next level asks for; `None` at the highest.
 */
progress: LevelProgress | null, 
/**
 * Tests passed in a row.
 */
streak: number, 
/**
 * The most there ever were in a row.
 */
best_streak: number, 
/**
 * Points and counters since the node is known.
 */
counters: Counters, 
/**
 * The last tests that counted, the newest first.
 */
last_tests: Array<LevelTest>, 
/**
 * Passed tests do not count for the level before; `None`: they count.
 */
cool_down_until: Millis | null, 
/**
 * The smallest change that would raise the level, in words.
 */
next_step: string, 
/**
 * The same for programs; nothing where the router is older, or its code is newer than the node.
 */
step?: LevelStep, };

/**
 * How far one precision is from the reference over a text.
 */
export type Statistics = { 
/**
 * Tokens scored.
 */
tokens: number, 
/**
 * Perplexity of the reference.
 */
reference_perplexity: Estimate, 
/**
 * Perplexity of the other one.
 */
perplexity: Estimate, 
/**
 * Mean of KL(reference ‖ other), in nats.
 */
divergence: Estimate, 
/**
 * How the divergences spread.
 */
spread: Spread, 
/**
 * Share of the tokens where both expected the same one most.
 */
same_top: Estimate, 
/**
 * Root of the mean square of the change of the probability of the text's own token.
 */
probability_change: Estimate, 
/**
 * The same by the place in the window.
 */
by_position: Array<AtPosition>, };

/**
 * How the miner is.
 */
export type Status = { 
/**
 * The one word.
 */
phase: Phase, 
/**
 * The way from start to mining, step by step.
 */
steps: Array<Step>, 
/**
 * What must be done by the user, if anything.
 */
problem: Problem | null, 
/**
 * What was found.
 */
hardware: Hardware | null, 
/**
 * What was decided, and why.
 */
plan: Plan | null, 
/**
 * What the user chose.
 */
mode: Mode | null, 
/**
 * What is loaded and served.
 */
loaded: Loaded | null, 
/**
 * Both sides of the switch.
 */
modes: Array<ModeView>, 
/**
 * The node's address.
 */
address: NodeAddress | null, 
/**
 * Where its key is kept.
 */
key_place: KeyPlace | null, 
/**
 * The key's file waits for this passphrase; answer with [`crate::App::give_passphrase`].
 */
passphrase: PassphraseRequest | null, 
/**
 * Whether every precision is being measured again.
 */
measuring: boolean, 
/**
 * Which side of the switch is being loaded.
 */
switching_to: Mode | null, 
/**
 * What the benchmark measured here, the most exact first, whether a mode chose it or not.
 */
measurements: Array<Measured>, 
/**
 * With how many threads the engine computes on the processor; nothing before that is known.
 */
threads: ThreadsView | null, 
/**
 * To the router.
 */
connection: Connection, 
/**
 * Done and all, while the network tests the node.
 */
testing: [number, number] | null, 
/**
 * What the network says of the node.
 */
tier: TierReport | null, 
/**
 * How far the network trusts the node, and why; nothing from a router that does not say.
 */
standing: Standing | null, 
/**
 * Why to step aside just now, by the user's rules. It mines all the same where the user said so.
 */
aside: Array<Reason>, 
/**
 * What broke last since the start, and what was done about it; until the user has seen it.
 */
incident: Incident | null, 
/**
 * When the user's pause is over by itself; nothing if it is not, or there is none.
 */
paused_until: Millis | null, 
/**
 * Tasks being worked on.
 */
running: number, 
/**
 * Since when, connected to the network, nothing was worked on; nothing while something is.
 */
idle_since: Millis | null, 
/**
 * What was earned. On the practice network: practice credits.
 */
earnings: EarningsSummary, };

/**
 * The page in the local network that says how the miner is. Off by default.
 */
export type StatusPageSettings = { 
/**
 * Whether paired browsers in the local network can see how the miner is. Read only.
 */
on: boolean, 
/**
 * Where the status page listens: an address of this machine and a port. `0.0.0.0` is every IPv4 address of it, `[::]` every
 * address.
 */
listen: string, };

/**
 * What there is to know of the page in the app.
 */
export type StatusPageView = { 
/**
 * Whether it is served.
 */
open: boolean, 
/**
 * Where browsers of the network find it.
 */
addresses: Array<string>, 
/**
 * Why it is not served though it is on.
 */
problem: string | null, 
/**
 * The code that pairs a browser, until it is used or its time is up.
 */
code: PairingCode | null, 
/**
 * Browsers that may look.
 */
devices: Array<PairedDevice>, };

/**
 * A step on the way to mining.
 */
export type Step = { 
/**
 * Which.
 */
name: StepName, 
/**
 * How far.
 */
state: StepState, 
/**
 * In words.
 */
detail: string, };

/**
 * The steps, in order.
 */
export type StepName = "hardware" | "identity" | "model" | "benchmark" | "plan" | "load" | "join" | "test" | "mine";

/**
 * How far a step is.
 */
export type StepState = { "is": "running", 
/**
 * 0 to 1, if it can be told.
 */
progress: number | null, } | { "is": "done" } | { "is": "failed" };

/**
 * One task. Version 7, so that the order of ids is the order of creation.
 */
export type TaskId = string;

/**
 * Where a task comes from.
 */
export type TaskKind = "user" | "network_test";

/**
 * Which text.
 */
export type TextChoice = { "is": "bundled" } | { "is": "file", 
/**
 * A text file.
 */
path: string, };

/**
 * A text, as it was scored.
 */
export type TextFacts = { 
/**
 * What it is called.
 */
name: string, 
/**
 * SHA-256 of the text, in hexadecimal digits.
 */
digest: string, 
/**
 * Tokens of the whole text.
 */
tokens: number, 
/**
 * Windows that are scored; what is left over at the end is not.
 */
windows: number, 
/**
 * Tokens of a window.
 */
window_tokens: number, 
/**
 * Whether the text is longer than what is scored of it.
 */
cut: boolean, };

/**
 * What one number of threads achieves.
 */
export type ThreadTrial = { 
/**
 * The number.
 */
threads: number, 
/**
 * Prompt tokens a second.
 */
prefill_tokens_per_second: number, 
/**
 * Answer tokens a second, one request at a time.
 */
decode_tokens_per_second: number, 
/**
 * Typical requests in an hour, one after the other.
 */
requests_per_hour: number | null, 
/**
 * Share of the processor (0 to 1) that other programs took meanwhile; `None` where the system does not tell.
 */
taken_by_others: number | null, };

/**
 * Numbers of threads and what they achieve.
 */
export type ThreadTrials = { 
/**
 * The model that was measured.
 */
model: ModelId, 
/**
 * In which format.
 */
precision: Precision, 
/**
 * The most threads first.
 */
trials: Array<ThreadTrial>, 
/**
 * The best: the fewest of those that are as fast as the fastest.
 */
best: number, };

/**
 * With how many threads the engine computes, and what was tried.
 */
export type ThreadsView = { 
/**
 * Now.
 */
in_use: number, 
/**
 * From the program's next start on, if that is another number.
 */
from_next_start: number | null, 
/**
 * What was tried on this machine; nothing where there is no choice, or before.
 */
trials: ThreadTrials | null, };

/**
 * What the network sells a node's work as.
 */
export type Tier = { 
/**
 * By measured throughput.
 */
capability: Capability, 
/**
 * By the artifact that is served.
 */
precision: PrecisionClass, };

/**
 * What was observed and what was asked for, with the figures.
 */
export type TierEvidence = { "code": "answers", 
/**
 * Wholly right ones.
 */
right: number, 
/**
 * Of so many.
 */
questions: number, 
/**
 * Right answers, in hundredths of one, partly right ones counted in part.
 */
score_hundredths: number, 
/**
 * The best answers of so many sets of questions count.
 */
sets: number, 
/**
 * Right ones that are asked for.
 */
needed: number, } | { "code": "prefill_rate", 
/**
 * Prompt tokens a second; nothing where the throughput test was not answered.
 */
tokens_a_second: number | null, 
/**
 * The same times the model's parameters.
 */
work_a_second: number | null, 
/**
 * What high-end asks for of that.
 */
needed_a_second: number, } | { "code": "decode_rate", 
/**
 * Tokens a second, in tenths of one; nothing where it was not measured.
 */
tokens_a_second_tenths: number | null, } | { "code": "precision", 
/**
 * Which.
 */
precision: Precision, } | { "code": "audit_failed", 
/**
 * Answers to look at before most are believed.
 */
needed: number, } | { "code": "audit_consistent", 
/**
 * Tokens that the reference would not have chosen.
 */
differing: number, 
/**
 * Of so many.
 */
tokens: number, 
/**
 * Answers to look at before most are believed.
 */
needed: number, } | { "code": "audit_open", 
/**
 * Tokens that the reference would not have chosen.
 */
differing: number, 
/**
 * Of so many.
 */
tokens: number, 
/**
 * Answers to look at before most are believed.
 */
needed: number, } | { "code": "open_questions", 
/**
 * Of the highest marks, on average.
 */
average: Percentage, 
/**
 * Answers that were judged.
 */
answers: number, 
/**
 * What each is asked for; nothing where marks move no level.
 */
needed: Percentage | null, };

/**
 * A node's tier and why.
 */
export type TierReport = { 
/**
 * `None`: the node did not pass its tests and gets no user tasks.
 */
tier: Tier | null, 
/**
 * What was observed.
 */
evidence: Array<Evidence>, 
/**
 * When.
 */
tested_at: Millis, 
/**
 * The smallest change that would raise the tier, in words.
 */
next_step: string, 
/**
 * The same for programs; nothing where the router is older, or its code is newer than the node.
 */
step?: TierStep, };

/**
 * The smallest change that would raise a tier. Its `Display` is the English sentence.
 */
export type TierStep = { "code": "too_few_right", 
/**
 * When the next test follows by itself, in seconds from the test.
 */
again_seconds: number, } | { "code": "not_timed", 
/**
 * When the next test follows by itself, in seconds from the test.
 */
again_seconds: number, } | { "code": "serve_as_named", 
/**
 * When the claim is tested and believed again, in seconds from the verdict.
 */
again_seconds: number, } | { "code": "read_faster", 
/**
 * How many times as fast, in tenths.
 */
times_tenths: number, } | { "code": "full_weights" } | { "code": "highest" };

/**
 * What votes come to.
 */
export type Told = "too_few" | "not_apart" | "prefers_exact" | "prefers_other";

/**
 * A token that was expected.
 */
export type TopToken = { 
/**
 * Index in the vocabulary; nothing where the network did not tell it.
 */
id: number | null, 
/**
 * The token, for people.
 */
text: string, 
/**
 * 0 to 1.
 */
probability: number, };

/**
 * Why a task was not paid, or its pay was taken back. Its `Display` is the English sentence.
 */
export type UnpaidReason = { "code": "empty_answer" } | { "code": "wrong_answer" } | { "code": "no_incentive" } | { "code": "connection_lost" } | { "code": "router_stopped" } | { "code": "deadline_passed" } | { "code": "engine_failed", 
/**
 * What it said, in English.
 */
message: string, } | { "code": "bad_request", 
/**
 * What is wrong with it, in English.
 */
message: string, } | { "code": "context_exceeded", 
/**
 * What that holds, in tokens.
 */
context_tokens: number, } | { "code": "context_not_exceeded", 
/**
 * Most tokens that the prompt can have.
 */
most_tokens: number, 
/**
 * What the context holds, in tokens.
 */
context_tokens: number, } | { "code": "rules_broken", 
/**
 * How, in English.
 */
message: string, } | { "code": "round_parted", 
/**
 * At which token, the first being 1.
 */
token: number, } | { "code": "round_lay_apart" } | { "code": "round_not_compared" } | { "code": "round_undecided" } | { "code": "round_given_up" } | { "code": "round_late" } | { "code": "claim_fell" } | { "code": "audit_failed", 
/**
 * What was claimed.
 */
precision: Precision, 
/**
 * The validators' engine.
 */
engine: string, };

/**
 * Why a side has no divergence.
 */
export type Unscored = { "why": "other_vocabulary", 
/**
 * Tokens of its vocabulary.
 */
tokens: number, 
/**
 * The model that it would be held against.
 */
reference: ModelId, 
/**
 * Tokens of that one's.
 */
reference_tokens: number, } | { "why": "remote_reference" } | { "why": "top_only" } | { "why": "text_only" };

/**
 * Who is offered what.
 */
export type UpdateChannel = "stable" | "beta";

/**
 * What is done about newer versions.
 */
export type UpdatePolicy = "automatic" | "ask" | "off";

/**
 * A newer version.
 */
export type UpdateRelease = { 
/**
 * Which.
 */
version: string, 
/**
 * What is new, in its makers' words.
 */
notes: string | null, 
/**
 * When it was made, as RFC 3339 has it.
 */
published: string | null, };

/**
 * How far an update is.
 */
export type UpdateState = { "state": "not_a_release" } | { "state": "idle" } | { "state": "checking" } | { "state": "available", 
/**
 * Which.
 */
release: UpdateRelease, } | { "state": "downloading", 
/**
 * Which.
 */
release: UpdateRelease, 
/**
 * 0 to 1, if the size is known.
 */
done: number | null, } | { "state": "ready", 
/**
 * Which.
 */
release: UpdateRelease, 
/**
 * The system will ask for a password, so that it is never installed by itself.
 */
asks_password: boolean, } | { "state": "installing", 
/**
 * Which.
 */
release: UpdateRelease, } | { "state": "failed", 
/**
 * What was wrong and what to do.
 */
message: string, 
/**
 * Of which, if it came that far.
 */
release: UpdateRelease | null, };

/**
 * Updates, as the window shows them.
 */
export type UpdateView = { 
/**
 * What runs.
 */
version: string, 
/**
 * When the channel was last looked at.
 */
checked_at: Millis | null, 
/**
 * How far.
 */
state: UpdateState, 
/**
 * An update that was undone, until the user has seen that.
 */
rolled_back: RolledBack | null, };

/**
 * Tokens in and out.
 */
export type Usage = { 
/**
 * Tokens of the prompt.
 */
prompt_tokens: number, 
/**
 * Tokens of the answer.
 */
completion_tokens: number, };

/**
 * A model file that could be served.
 */
export type Variant = { 
/**
 * Model.
 */
model: ModelId, 
/**
 * Exact format.
 */
precision: Precision, 
/**
 * Digest of the file.
 */
artifact: ArtifactDigest, 
/**
 * Size of the file.
 */
bytes: number, 
/**
 * The model's shape.
 */
geometry: Geometry, };

/**
 * Where a model is.
 */
export type VariantPlace = { "is": "here", 
/**
 * How it came here.
 */
origin: Origin, 
/**
 * How its files are.
 */
condition: Condition, 
/**
 * Whether its files are deleted with it.
 */
ours: boolean, 
/**
 * Whether the user wants it kept.
 */
keep: boolean, 
/**
 * Its first file.
 */
path: string, 
/**
 * What needs it now.
 */
uses: Array<ModelUse>, } | { "is": "found", 
/**
 * Whose cache.
 */
origin: Origin, 
/**
 * The file.
 */
path: string, } | { "is": "listed" } | { "is": "made_from", 
/**
 * The format.
 */
from: Precision, } | { "is": "nowhere" };

/**
 * A model in one format.
 */
export type VariantView = { 
/**
 * Its name, which is not the model's where it was made here and the list has another of this format.
 */
id: ModelId, 
/**
 * Format of most weights.
 */
format: Precision, 
/**
 * Full or quantized.
 */
precision_class: PrecisionClass, 
/**
 * What it takes on the disk, where that is known.
 */
bytes: number | null, 
/**
 * Where it is.
 */
place: VariantPlace, 
/**
 * What is here that it can be made from.
 */
make_from: Precision | null, 
/**
 * Whether it would fit on this machine; nothing where that cannot be told: it is not in the list, or the machine was not
 * looked at yet.
 */
fit: Badge | null, };

/**
 * Why a variant was not chosen, or how it fits. Its `Display` is the English sentence, which is part of another one.
 */
export type Verdict = { "code": "too_slow", 
/**
 * Typical requests an hour.
 */
requests_per_hour: number, 
/**
 * Or else estimated.
 */
measured: boolean, } | { "code": "less_exact" } | { "code": "larger_but_quantized" } | { "code": "smaller" } | { "code": "measured", 
/**
 * Typical requests an hour.
 */
requests_per_hour: number, } | { "code": "estimated", 
/**
 * Typical requests an hour.
 */
requests_per_hour: number, } | { "code": "not_measured" } | { "code": "fits", 
/**
 * What it takes, in bytes.
 */
needed_bytes: number, 
/**
 * What it may take, in bytes.
 */
usable_bytes: number, } | { "code": "fits_with_less", 
/**
 * Tokens that fit.
 */
context_tokens: number, 
/**
 * What it takes, in bytes.
 */
needed_bytes: number, 
/**
 * What it may take, in bytes.
 */
usable_bytes: number, } | { "code": "fits_after_running_out", 
/**
 * What it ran out of memory with.
 */
failed: Load, 
/**
 * What it would be loaded with since.
 */
load: Load, 
/**
 * What that takes, in bytes.
 */
needed_bytes: number, 
/**
 * What it may take, in bytes.
 */
usable_bytes: number, } | { "code": "too_large", 
/**
 * What it takes at least, in bytes.
 */
needed_bytes: number, 
/**
 * What may be used, in bytes.
 */
usable_bytes: number, } | { "code": "ran_out_of_memory", 
/**
 * Tokens of that.
 */
context_tokens: number, };

/**
 * A vote under way. Nothing in it tells which side is which before the vote is cast: the answers appear together when
 * both are whole, in an order that was thrown for.
 */
export type Vote = { 
/**
 * The one word.
 */
phase: VotePhase, 
/**
 * What was asked.
 */
prompt: string, 
/**
 * 0 to 1.
 */
progress: number, 
/**
 * Answer A.
 */
first: string | null, 
/**
 * Answer B.
 */
second: string | null, 
/**
 * Whether both answers are the same, letter by letter: there is nothing to vote on, and it does not count.
 */
identical: boolean, 
/**
 * What the user chose.
 */
choice: VoteChoice | null, 
/**
 * Which is which, once the vote is cast.
 */
revealed: Revealed | null, 
/**
 * What went wrong and what to do.
 */
failure: Failure | null, };

/**
 * A vote.
 */
export type VoteChoice = "first" | "second" | "equal";

/**
 * The one word for how a vote is.
 */
export type VotePhase = "idle" | "answering" | "open" | "cast" | "stopped" | "failed";

/**
 * One prompt for two sides that are not named.
 */
export type VoteRequest = { 
/**
 * What the user says.
 */
prompt: string, 
/**
 * Instructions for the whole answer.
 */
system: string | null, 
/**
 * The two who answer, in any order.
 */
sides: [SideChoice, SideChoice], 
/**
 * How the next token is picked.
 */
sampling: SamplingChoice, };

/**
 * Whether the user tells two precisions apart.
 */
export type VoteSummary = { 
/**
 * The more exact one.
 */
exact: Precision, 
/**
 * The other one.
 */
other: Precision, 
/**
 * Votes for the more exact one.
 */
for_exact: number, 
/**
 * Votes for the other one.
 */
for_other: number, 
/**
 * That they are equal.
 */
equal: number, 
/**
 * Share of the votes for the more exact one; "equal" is half a vote for each.
 */
share: number, 
/**
 * Where that share would be after very many votes, in 95 of 100 cases.
 */
interval: [number, number], 
/**
 * What it comes to.
 */
told: Told, 
/**
 * Votes before anything is said.
 */
least_votes: number, };

/**
 * Something to know that does not stop the miner.
 */
export type Warning = { "is": "engine_broke", 
/**
 * When.
 */
at: Millis, } | { "is": "cooling_down", 
/**
 * Until when.
 */
until: Millis, };

/**
 * A day of the week.
 */
export type Weekday = "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday";

/**
 * Other limits, to see what would be. Nothing: no limit.
 */
export type WhatIf = { 
/**
 * Most memory the model may take, in bytes.
 */
memory_budget_bytes: number | null, 
/**
 * Most tokens of prompt and answer together.
 */
context_tokens: number | null, 
/**
 * Requests worked on at a time.
 */
slots: number | null, };

/**
 * Why nothing is earned, or that nothing is in the way.
 */
export type Why = { 
/**
 * What was earned in the last hour.
 */
earned_last_hour: Amount, 
/**
 * Every link, in the order in which one depends on the other.
 */
links: Array<WhyLink>, 
/**
 * The first that is a cause: what to fix first.
 */
first: Link | null, };

/**
 * One link and how it is.
 */
export type WhyLink = { 
/**
 * Which.
 */
link: Link, 
/**
 * How it is.
 */
finding: Finding, };

/**
 * How a key is taken out of a file.
 */
export type Wipe = "key" | "file";

/**
 * User tasks that were served, and how long the node was busy with them.
 */
export type Work = { 
/**
 * Committed user tasks.
 */
served: number, 
/**
 * Their tokens.
 */
prompt_tokens: number, 
/**
 * Their answers' tokens.
 */
completion_tokens: number, 
/**
 * Time in which at least one user task ran.
 */
busy: { secs: number; nanos: number }, };

/**
 * What is done.
 */
export type WorkKind = { "is": "import", 
/**
 * File or folder.
 */
path: string, } | { "is": "make", 
/**
 * The model.
 */
id: ModelId, 
/**
 * The format.
 */
format: Precision, };

/**
 * How it is.
 */
export type WorkPhase = { "is": "running" } | { "is": "imported", 
/**
 * The models, as name and format.
 */
models: Array<string>, } | { "is": "made", 
/**
 * What it was made from.
 */
from: Precision, 
/**
 * Weights that could not have the format.
 */
fallbacks: Array<Fallback>, } | { "is": "stopped" } | { "is": "failed", 
/**
 * What happened and what to do.
 */
failure: Failure, };

/**
 * An import, or a format being made.
 */
export type WorkView = { 
/**
 * Which.
 */
kind: WorkKind, 
/**
 * How it is.
 */
phase: WorkPhase, 
/**
 * 0 to 1.
 */
progress: number, };
