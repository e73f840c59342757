// What the network says of the level, in the window's language where it says it with a code.
import { formatPercent, said, sentence } from "../formats";
import type { EventKind, LevelSighting, LevelStep, TaskKind } from "../host/types";
import { t } from "../messages";
import { inWords, type WordsOf } from "./coded";
import { unpaidInWords } from "./unpaid-words";

const share = (percent: number): string => formatPercent(percent / 100);

const STEPS: WordsOf<LevelStep> = {
  pass: ({ tests: count, level, after_cool_down, share: asked, last_failure }) => {
    const why = asked ? t("level.step.share", { needed: share(asked.needed), had: share(asked.had) }) : "";
    const pass = t(`level.step.${after_cool_down ? "after_cool_down" : "pass"}`, { count, level, why });
    return last_failure ? `${pass} ${t(`level.step.${last_failure}`)}` : pass;
  },
  highest: () => t("level.step.highest"),
};

export const levelStepInWords = (step: LevelStep | undefined): string | null => inWords(STEPS, step);

/** What would raise it, as a sentence for `MessageText`. */
export const levelNext = ({ step, next_step }: { step?: LevelStep; next_step: string }): string => levelStepInWords(step) ?? said(next_step);

const ofTask = (task: TaskKind, what: string): string => t(`level.sighting.task.${task}`, { what });
const stepOf = (step: EventKind): "prepare" | "precommit" | "commit" => (step === "prepare" || step === "precommit" ? step : "commit");

const SIGHTINGS: WordsOf<LevelSighting> = {
  questions: ({ right, questions, needed }) => t("level.sighting.questions", { right, questions, needed }),
  open_question: ({ marks, needed }) => t("level.sighting.open_question", { marks: share(marks), needed: share(needed) }),
  step_in_time: ({ task, step }) => ofTask(task, t(`level.sighting.in_time.${stepOf(step)}`)),
  step_missed: ({ task, step }) => ofTask(task, t(`level.sighting.missed.${stepOf(step)}`)),
  task_failed: ({ task, reason }) => ofTask(task, unpaidInWords(reason) ?? ""),
  rounds_parted: ({ parted, rounds }) => t("level.sighting.rounds_parted", { parted, rounds }),
  round_drawn: () => t("level.sighting.round_drawn"),
  round_joined: () => t("level.sighting.round_joined"),
  round_left: () => t("level.sighting.round_left"),
  audit_failed: ({ precision, engine }) => t("activity.unpaid.audit_failed", { precision, engine }),
  heartbeat: () => t("level.sighting.heartbeat"),
  no_heartbeat: () => t("level.sighting.no_heartbeat"),
};

/** What was seen, as a sentence for `MessageText`. */
export function seenInWords({ sighting, seen }: { sighting?: LevelSighting; seen: string }): string {
  const words = inWords(SIGHTINGS, sighting);
  return words === null ? said(seen) : sentence(words);
}
