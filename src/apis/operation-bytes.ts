import { isUtf8 } from 'buffer';
import { WireType } from '@bufbuild/protobuf/wire';
import { Place } from '../descriptors/value-problems';
import { WireRecords } from '../descriptors/wire-records';

/** A string in an Operation that is not UTF-8. */
export interface BrokenText {
  place: Place;
  bytes: Uint8Array;
}

/**
 * Finds what proto-loader's decoder does not report about an Operation: which of the two results comes last on the wire
 * and therefore counts, and the bytes of strings that it decodes with U+FFFD.
 */
export function scanOperation(bytes: Uint8Array): { result?: 'error' | 'response'; brokenTexts: BrokenText[] } {
  const broken: BrokenText[] = [];
  let result: { error: Uint8Array } | { response: Uint8Array } | undefined;
  for (const [number, content] of parts(bytes)) {
    if (number === 1) checkText(content, new Place('id'), broken);
    else if (number === 2) checkText(content, new Place('description'), broken);
    else if (number === 4) checkText(content, new Place('createdBy'), broken);
    else if (number === 7) checkAny(content, new Place('metadata'), broken);
    else if (number === 8) result = { error: content };
    else if (number === 9) result = { response: content };
  }
  if (!result) return { brokenTexts: broken };
  if ('error' in result) checkStatus(result.error, new Place('error'), broken);
  else checkAny(result.response, new Place('response'), broken);
  return { result: 'error' in result ? 'error' : 'response', brokenTexts: broken };
}

function checkStatus(bytes: Uint8Array, place: Place, broken: BrokenText[]): void {
  let details = 0;
  for (const [number, content] of parts(bytes)) {
    if (number === 2) checkText(content, place.at('message'), broken);
    else if (number === 3) checkAny(content, place.at('details').at(details++), broken);
  }
}

function checkAny(bytes: Uint8Array, place: Place, broken: BrokenText[]): void {
  for (const [number, content] of parts(bytes)) {
    if (number === 1) checkText(content, place.at('@type'), broken);
  }
}

function checkText(bytes: Uint8Array, place: Place, broken: BrokenText[]): void {
  if (!isUtf8(bytes)) broken.push({ place, bytes });
}

/** The length-delimited fields of a message, by field number. */
function* parts(bytes: Uint8Array): Iterable<[number: number, content: Uint8Array]> {
  const records = new WireRecords(bytes);
  while (records.next()) {
    if (records.wireType === WireType.LengthDelimited) yield [records.number, records.content()];
  }
}
