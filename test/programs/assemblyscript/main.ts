// SPDX-License-Identifier: Apache-2.0
function fibonacci(n: i32): u64 {
  let a: u64 = 0, b: u64 = 1;
  for (let i = 0; i < n; i++) { const c = a + b; a = b; b = c; }
  return a;
}

class Point {
  constructor(public x: f64, public y: f64) {}
  toString(): string { return "(" + this.x.toString() + ", " + this.y.toString() + ")"; }
}

console.log("arguments: " + process.argv.slice(1).join(" "));
console.log("GREETING: " + (process.env.has("GREETING") ? process.env.get("GREETING") : "none"));
console.log(fibonacci(90).toString());
const points: Point[] = [];
for (let i = 0; i < 1000; i++) points.push(new Point(Math.sin(<f64>i), <f64>(i % 17)));
points.sort((a, b) => (a.x < b.x ? -1 : a.x > b.x ? 1 : 0));
console.log(points[0].toString() + " " + points[999].toString());
const words = new Map<string, i32>();
const text = "to be or not to be that is the question";
const parts = text.split(" ");
for (let i = 0; i < parts.length; i++) words.set(parts[i], words.has(parts[i]) ? words.get(parts[i]) + 1 : 1);
console.log(words.keys().join(",") + " " + words.get("be").toString());
console.log((Date.now() > 1600000000000).toString() + " " + (Math.random() != Math.random()).toString());
console.error("to stderr");
process.exit(9);
