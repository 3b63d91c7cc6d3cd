/** Answers that are the same each time, kept for who asks again. */

/** With more questions than this, what asks is no pipeline: the answers are forgotten. */
const MOST = 1_000;

/** A function that asks `answer` once for each question. */
export function remembered<Answer>(answer: (question: string) => Answer): (question: string) => Answer {
  const answers = new Map<string, Answer>();
  return (question) => {
    let known = answers.get(question);
    if (known === undefined) {
      if (answers.size >= MOST) answers.clear();
      known = answer(question);
      answers.set(question, known);
    }
    return known;
  };
}
