// The form in which the programs of the SDK for JavaScript tell what came of their calls.

// Bytes in base64, streams read to their end, dates as text, and without what is the SDK's own.
async function plain(value) {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Set) return [...value];
  if (typeof value?.transformToByteArray === 'function') return plain(await value.transformToByteArray());
  if (value && typeof value[Symbol.asyncIterator] === 'function') {
    const events = [];
    for await (const event of value) events.push(await plain(event));
    return events;
  }
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([name]) => name !== '$metadata');
  return Object.fromEntries(await Promise.all(entries.map(async ([name, value]) => [name, await plain(value)])));
}

export function line(call, attempts, output) {
  console.log(JSON.stringify({ call, attempts, output }));
}

// Sends a command, tells its answer or error, and gives the answer.
export async function tell(client, command) {
  const call = command.constructor.name;
  try {
    const answer = await client.send(command);
    line(call, answer.$metadata.attempts, await plain(answer));
    return answer;
  } catch (error) {
    const { httpStatusCode: status, attempts } = error.$metadata ?? {};
    const told = { code: error.name, message: error.message, type: error.constructor.name, status };
    line(call, attempts ?? 0, { error: told });
    return {};
  }
}
