// Answers which documents match which filters, by mingo, whose folder is the only argument.
//
// Each line of the input is a JSON list of [filter, document]; each line of the output is a list of true, false, or
// the text of an error. Ids, dates and regular expressions are in MongoDB's extended JSON.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { Query } = createRequire(import.meta.url)(process.argv[2]);

class ObjectId {
  constructor(digits) {
    this.digits = digits;
  }

  toString() {
    return this.digits;
  }
}

function decode(_key, value) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  if ("$oid" in value) return new ObjectId(value.$oid);
  if ("$date" in value) return new Date(value.$date);
  if ("$regularExpression" in value) {
    const { pattern, options } = value.$regularExpression;
    return new RegExp(pattern, options);
  }
  return value;
}

function answer([query, document]) {
  try {
    return new Query(query).test(document);
  } catch (error) {
    return String(error);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  // A regular expression that is not valid here is an error of its case alone.
  const cases = JSON.parse(line).map((one) => {
    try {
      return answer(JSON.parse(JSON.stringify(one), decode));
    } catch (error) {
      return String(error);
    }
  });
  console.log(JSON.stringify(cases));
}
