// CLIP's byte-pair tokenizer, as clipbench/tokenizer.py has it for the emoji world's vocabulary.

const START = '<|startoftext|>', END = '<|endoftext|>', LAST = '</w>';
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;

/** A printable character for each byte, as GPT-2 chose them. */
function byteCharacters() {
  const printable = code => (code > 32 && code < 127) || (code > 160 && code < 173) || (code > 173 && code < 256);
  let others = 256;
  return Array.from({length: 256}, (_, byte) => String.fromCharCode(printable(byte) ? byte : others++));
}

export class Tokenizer {
  /** vocab: token -> id; merges: lines of two tokens each, in the order in which they are joined. */
  constructor(vocab, merges, contextLength) {
    this.vocab = vocab;
    this.contextLength = contextLength;
    this.ranks = new Map(merges.map((merge, rank) => [merge, rank]));
    this.characters = byteCharacters();
    this.known = new Map();
  }

  normalised(text) {
    const spaced = text.toWellFormed().normalize('NFC').replace(/\p{White_Space}+/gu, ' ');
    return Array.from(spaced, character => character.toLowerCase()).join('');  // each on its own, as Rust does it
  }

  /** The pieces of a text, without start and end. */
  pieces(text) {
    return (this.normalised(text).match(WORDS) || []).flatMap(word => this.piecesOf(word));
  }

  /** Ids with start and end of text; the end is cut where the model reads no further. */
  ids(text) {
    const inside = this.pieces(text).map(piece => this.vocab[piece] ?? this.vocab[END]);
    return [this.vocab[START], ...inside.slice(0, this.contextLength - 2), this.vocab[END]];
  }

  isCut(text) {
    return this.pieces(text).length > this.contextLength - 2;
  }

  piecesOf(word) {
    if (!this.known.has(word)) this.known.set(word, this.merged(word));
    return this.known.get(word);
  }

  merged(word) {
    const pieces = Array.from(new TextEncoder().encode(word), byte => this.characters[byte]);
    pieces[pieces.length - 1] += LAST;
    for (let at = this.nextMerge(pieces); at !== null; at = this.nextMerge(pieces)) {
      pieces.splice(at, 2, pieces[at] + pieces[at + 1]);
    }
    return pieces;
  }

  /** Where the pair stands that is joined first; null when none is. */
  nextMerge(pieces) {
    let best = Infinity, place = null;
    for (let at = 0; at + 1 < pieces.length; at++) {
      const rank = this.ranks.get(`${pieces[at]} ${pieces[at + 1]}`) ?? Infinity;
      if (rank < best) [best, place] = [rank, at];
    }
    return place;
  }
}
