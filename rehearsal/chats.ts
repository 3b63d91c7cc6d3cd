/** The chats and mailboxes of a pipeline, as people would have set them up: webhooks that answer, and confirmed addresses. */
import type { Notifications } from '../domain/pipeline/pipeline.ts';
import type { Principal } from '../local/core/service.ts';
import type { Site, World } from '../local/core/site.ts';

/** What was posted to a chat. */
export interface Post {
  readonly chat: 'slack' | 'teams';
  readonly body: unknown;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The host of a chat's webhook. */
export const chatHost = (chat: Post['chat']) => `${chat}.example.com`;

/** @returns where posts arrive */
export async function openChats(site: Site, self: Principal, notifications: Notifications): Promise<Post[]> {
  const posts: Post[] = [];
  for (const address of notifications.email) site.service('sns').confirm(address);
  for (const chat of CHATS) {
    const parameter = notifications[chat];
    if (parameter === undefined) continue;
    const Value = `https://${chatHost(chat)}${pathOf(site.world, chat)}`;
    await site.call(self, 'ssm', 'PutParameter', { Name: parameter, Type: 'SecureString', Value });
  }
  hearChats(site.world, notifications, posts);
  return posts;
}

/** Lets the webhooks answer: they are outside of the world, and no part of it when it is saved. */
export function hearChats(world: World, notifications: Notifications, posts: Post[]): void {
  for (const chat of CHATS) {
    if (notifications[chat] === undefined) continue;
    const path = pathOf(world, chat);
    world.listen(chatHost(chat), async (request) => {
      const isIt = request.path === path && request.method === 'POST';
      if (isIt) posts.push({ chat, body: JSON.parse(new TextDecoder().decode(request.body)), at: world.clock.now() });
      return { status: isIt ? 200 : 404, headers: {}, body: new Uint8Array() };
    });
  }
}

const CHATS = ['slack', 'teams'] as const;

const pathOf = (world: World, chat: Post['chat']) => `/hooks/${world.random.fork(`webhook of ${chat}`).hex(24)}`;
