import { type DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import type { Binding, BindingTable } from "./grant-service.ts";

/** Bindings in a DynamoDB table: partition key `thing` (string), attribute `user` (string). */
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
    const user = (await this.#client.send(command)).Item?.user?.S;
    return user === undefined ? undefined : { thing, user };
  }
}
