// Gathers streamed pieces of text into whole sentences, so that a screen
// reader hears the answer once, in order, rather than every fragment.

const SENTENCE_END = /[.!?…:]["”»)]?\s|\n/g;
const MARKER = /\s*\[\d+(?:\s*[,;]\s*\d+)*\]/g;

export class SentenceSpeaker {
  #pending = "";

  constructor(say) {
    this.say = say;
  }

  hear(text) {
    this.#pending += text;
    let end = 0;
    for (const match of this.#pending.matchAll(SENTENCE_END)) end = match.index + match[0].length;
    if (end > 0) this.#speak(end);
  }

  finish() {
    this.#speak(this.#pending.length);
  }

  #speak(end) {
    const sentence = this.#pending.slice(0, end).replace(MARKER, "").replace(/[*_`#]/g, "").trim();
    this.#pending = this.#pending.slice(end);
    if (sentence) this.say(sentence);
  }
}
