import {
  AttachPolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateThingCommand,
  DeleteConflictException,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DescribeThingCommand,
  DetachPolicyCommand,
  type IoTClient,
  LimitExceededException,
  ListPolicyVersionsCommand,
  paginateListTargetsForPolicy,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
} from "@aws-sdk/client-iot";
import { collect, unless } from "./iot-answers.ts";

/** The policies of owners in AWS IoT. Every method can be called again after it has failed in the middle. */
export class PolicyStore {
  readonly #iot: IoTClient;

  constructor(iot: IoTClient) {
    this.#iot = iot;
  }

  /**
   * Makes a policy, or a new version of it, and attaches it.
   * @param thing knows partition, region and account, which the document has to have
   * @returns false when the identity has as many policies as AWS allows
   */
  async put(policyName: string, render: (prefix: string) => string, thing: string, user: string): Promise<boolean> {
    const policyDocument = render(await this.#prefixOf(thing));
    const created = this.#iot.send(new CreatePolicyCommand({ policyName, policyDocument }));
    if (!(await unless(ResourceAlreadyExistsException, created))) await this.#replace(policyName, policyDocument);
    const attached = this.#iot.send(new AttachPolicyCommand({ policyName, target: user }));
    return (await unless(LimitExceededException, attached)) !== undefined;
  }

  /** Takes it from whomever it has been attached to. */
  async drop(policyName: string, user: string): Promise<void> {
    const targets = await collect(
      paginateListTargetsForPolicy({ client: this.#iot }, { policyName }),
      ({ targets }) => targets,
    );
    for (const target of new Set([user, ...targets]))
      await unless(ResourceNotFoundException, this.#iot.send(new DetachPolicyCommand({ policyName, target })));
    // AWS may take minutes until it lets go of a policy that was attached. What then stays has a name that is never used again, and gives nothing to anybody.
    await unless(DeleteConflictException, unless(ResourceNotFoundException, this.#delete(policyName)));
  }

  /** The versions that are not in force make room: AWS keeps five. */
  async #replace(policyName: string, policyDocument: string): Promise<void> {
    await this.#deleteOldVersions(policyName);
    await this.#iot.send(new CreatePolicyVersionCommand({ policyName, policyDocument, setAsDefault: true }));
  }

  async #delete(policyName: string): Promise<void> {
    await this.#deleteOldVersions(policyName);
    await this.#iot.send(new DeletePolicyCommand({ policyName }));
  }

  async #deleteOldVersions(policyName: string): Promise<void> {
    const { policyVersions = [] } = await this.#iot.send(new ListPolicyVersionsCommand({ policyName }));
    for (const { versionId: policyVersionId, isDefaultVersion } of policyVersions) {
      if (isDefaultVersion) continue;
      const deleted = this.#iot.send(new DeletePolicyVersionCommand({ policyName, policyVersionId }));
      await unless(ResourceNotFoundException, deleted);
    }
  }

  /** A binding that was written by hand may be of a thing that nobody has made yet. */
  async #prefixOf(thingName: string): Promise<string> {
    const described = await unless(ResourceNotFoundException, this.#iot.send(new DescribeThingCommand({ thingName })));
    const { thingArn = "" } = described ?? (await this.#iot.send(new CreateThingCommand({ thingName })));
    const [, partition, , region, account] = thingArn.split(":");
    return `arn:${partition}:iot:${region}:${account}:`;
  }
}
