// SPDX-License-Identifier: Apache-2.0
export type Shape = { kind: 'circle'; radius: number } | { kind: 'square'; side: number };

export function area(s: Shape): number {
  switch (s.kind) {
    case 'circle': return Math.PI * s.radius ** 2;
    case 'square': return s.side * s.side;
  }
}

export const unused = () => 'shaken off, or loaded later';
