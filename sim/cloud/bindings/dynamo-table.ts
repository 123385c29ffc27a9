import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import type { Binding, BindingTable } from "./binding.ts";
import type { OwnerRecord } from "./owner-record.ts";

/** The index of template.yaml, by `user`. */
export const userIndex = "by-user";

type Item = Record<string, AttributeValue>;

/**
 * Bindings in a DynamoDB table: partition key `thing` (string), index `by-user`. A person's record lies under `owner#<identityId>`, which is no thing's name; it
 * has no `user`, so the index leaves it out. Its conditions are checked by DynamoDB, in one step with the write.
 */
export class DynamoBindingTable implements BindingTable {
  #client: DynamoDBClient;
  #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async get(thing: string): Promise<Binding | undefined> {
    // A camera that has just been taken from its user must not get a URL from an old copy.
    const command = new GetItemCommand({ TableName: this.#table, Key: { thing: { S: thing } }, ConsistentRead: true });
    return toBinding((await this.#client.send(command)).Item);
  }

  claim({ thing, user, name, since }: Omit<Binding, "releasing">): Promise<Binding | undefined> {
    const rename = name === undefined ? "" : ", #name = :name";
    return this.#update(thing, {
      UpdateExpression: `SET #user = :user, since = if_not_exists(since, :since)${rename} REMOVE releasing`,
      ConditionExpression: "attribute_not_exists(thing) OR #user = :user",
      ExpressionAttributeNames: { "#user": "user", ...(name === undefined ? {} : { "#name": "name" }) },
      ExpressionAttributeValues: {
        ":user": { S: user },
        ":since": { N: String(since) },
        ...(name === undefined ? {} : { ":name": { S: name } }),
      },
    });
  }

  async startRelease(thing: string, user: string): Promise<boolean> {
    const marked = await this.#update(thing, {
      UpdateExpression: "SET releasing = :true",
      ConditionExpression: "#user = :user",
      ExpressionAttributeNames: { "#user": "user" },
      ExpressionAttributeValues: { ":user": { S: user }, ":true": { BOOL: true } },
    });
    return marked !== undefined;
  }

  async finishRelease(thing: string, user: string): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#table,
      Key: { thing: { S: thing } },
      ConditionExpression: "#user = :user AND releasing = :true",
      ExpressionAttributeNames: { "#user": "user" },
      ExpressionAttributeValues: { ":user": { S: user }, ":true": { BOOL: true } },
    });
    return (await unlessRefused(this.#client.send(command))) !== undefined;
  }

  async ofUser(user: string): Promise<Binding[]> {
    const query = {
      TableName: this.#table,
      IndexName: userIndex,
      KeyConditionExpression: "#user = :user",
      ExpressionAttributeNames: { "#user": "user" },
      ExpressionAttributeValues: { ":user": { S: user } },
    };
    const bindings: Binding[] = [];
    for await (const { Items = [] } of paginateQuery({ client: this.#client }, query))
      bindings.push(...Items.map(toBinding).filter((binding) => binding !== undefined));
    return bindings;
  }

  async owner(user: string): Promise<OwnerRecord | undefined> {
    const command = new GetItemCommand({ TableName: this.#table, Key: ownerKey(user), ConsistentRead: true });
    const text = (await this.#client.send(command)).Item?.record?.S;
    return text === undefined ? undefined : JSON.parse(text);
  }

  async keepOwner(user: string, record: OwnerRecord): Promise<boolean> {
    const isFirst = record.version === 1;
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: ownerKey(user),
      UpdateExpression: "SET #record = :record, #version = :version",
      ConditionExpression: isFirst ? "attribute_not_exists(#version)" : "#version = :before",
      ExpressionAttributeNames: { "#record": "record", "#version": "version" },
      ExpressionAttributeValues: {
        ":record": { S: JSON.stringify(record) },
        ":version": { N: String(record.version) },
        ...(isFirst ? {} : { ":before": { N: String(record.version - 1) } }),
      },
    });
    return (await unlessRefused(this.#client.send(command))) !== undefined;
  }

  async #update(thing: string, what: Omit<UpdateItemCommandInput, "TableName" | "Key">): Promise<Binding | undefined> {
    const where = { TableName: this.#table, Key: { thing: { S: thing } } };
    const command = new UpdateItemCommand({ ...where, ...what, ReturnValues: "ALL_NEW" });
    return toBinding((await unlessRefused(this.#client.send(command)))?.Attributes);
  }
}

const ownerKey = (user: string): Item => ({ thing: { S: `owner#${user}` } });

/** The condition of a write does not hold: that is an answer too. */
async function unlessRefused<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}

function toBinding(item: Item | undefined): Binding | undefined {
  const thing = item?.thing?.S;
  const user = item?.user?.S;
  if (!item || thing === undefined || user === undefined) return undefined;
  const { name, since, policy, releasing } = item;
  return {
    thing,
    user,
    ...(name?.S === undefined ? {} : { name: name.S }),
    since: Number(since?.N ?? 0),
    ...(policy?.S ? { policy: policy.S } : {}),
    ...(releasing?.BOOL ? { releasing: true } : {}),
  };
}
