// SPDX-License-Identifier: Apache-2.0
const h = (tag: string, props: object | null, ...children: unknown[]) => ({ tag, props, children });
export const View = ({ name }: { name: string }) => <div class="view"><span>{name?.toUpperCase() ?? 'nobody'}</span></div>;
