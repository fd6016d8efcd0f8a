// SPDX-License-Identifier: Apache-2.0
import { area, type Shape } from './shapes';
import config from './config.json';
import { View } from './view';

const shapes: Shape[] = [{ kind: 'circle', radius: 2 }, { kind: 'square', side: 3 }];
enum Level { Low, Middle = 5, High }
class Report {
  #total = 0;
  constructor(private readonly title: string) {}
  add(s: Shape): this { this.#total += area(s) ?? 0; return this; }
  get text() { return `${this.title}: ${this.#total.toFixed(config.digits)} ${Level[Level.High]}`; }
}
const report = shapes.reduce((r, s) => r.add(s), new Report(config.title));
if (process.env.NODE_ENV !== 'production') console.debug('debugging');
console.log(report.text, View({ name: 'x' }));
export const later = async () => (await import('./shapes')).unused;
