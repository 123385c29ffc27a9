/** The CloudFormation template for fleets: the policies and the provisioning template are those of certs/, and its references lead somewhere. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { evaluateTemplate } from "../../sim/cloud/provisioning-template.ts";
import { readTemplate } from "./cloudformation-yaml.ts";

interface Template {
  AWSTemplateFormatVersion: string;
  Parameters: Record<string, { Default: string; AllowedPattern: string }>;
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  Outputs: Record<string, { Value: unknown }>;
}

const source = (name: string) => readFile(new URL(`../../certs/${name}`, import.meta.url), "utf8");
const { AWSTemplateFormatVersion, Parameters, Resources, Outputs } = readTemplate(
  await source("fleet.yaml"),
) as Template;

/** As the files of certs/ are written, with placeholders. */
const withPlaceholders = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value).replace(/\{"Fn::Sub":("(?:[^"\\]|\\.)*")\}/g, "$1"), (_key, text) =>
    typeof text !== "string"
      ? text
      : text.replace(/\$\{(?:AWS::)?(\w+)\}/g, (_all, name: string) => placeholders[name] ?? assert.fail(name)),
  );
const placeholders: Record<string, string> = {
  Partition: "PARTITION",
  Region: "REGION",
  AccountId: "ACCOUNT",
  TemplateName: "TEMPLATE",
};

test("it makes a template, its role and two policies", () => {
  assert.equal(AWSTemplateFormatVersion, "2010-09-09");
  const types = Object.fromEntries(Object.entries(Resources).map(([name, { Type }]) => [name, Type]));
  assert.deepEqual(types, {
    RegistrationRole: "AWS::IAM::Role",
    ProvisioningTemplate: "AWS::IoT::ProvisioningTemplate",
    RotationPolicy: "AWS::IoT::Policy",
    ClaimPolicy: "AWS::IoT::Policy",
  });
  const role = { "Fn::GetAtt": ["RegistrationRole", "Arn"] };
  const { TemplateName, ProvisioningRoleArn, Enabled } = Resources.ProvisioningTemplate.Properties;
  assert.deepEqual([TemplateName, ProvisioningRoleArn, Enabled], [{ Ref: "TemplateName" }, role, true]);
  assert.deepEqual(Outputs.RoleArn.Value, role);
  assert.deepEqual(Outputs.TemplateName.Value, { Ref: "ProvisioningTemplate" });
  assert.match(Parameters.TemplateName.Default, new RegExp(`^${Parameters.TemplateName.AllowedPattern}$`));
});

test("the policies are those of the project, word for word", async () => {
  for (const [name, file] of [
    ["RotationPolicy", "rotation-policy.json"],
    ["ClaimPolicy", "claim-policy.json"],
  ]) {
    const { PolicyName, PolicyDocument } = Resources[name].Properties;
    assert.equal(PolicyName, `devicelink-${file.split("-")[0]}`);
    const expected = JSON.parse(await source(file));
    assert.deepEqual(withPlaceholders(PolicyDocument), expected, `fleet.yaml differs from ${file}`);
    assert.ok(JSON.stringify(expected).length < 2048, "AWS IoT's limit of a policy");
  }
});

test("the provisioning template is the project's, and asks for policies that are there", async () => {
  const body = Resources.ProvisioningTemplate.Properties.TemplateBody as string;
  assert.deepEqual(JSON.parse(body), JSON.parse(await source("provisioning-template.json")));
  const given = { SerialNumber: "24A6CC", "AWS::IoT::Certificate::Id": "0".repeat(64) };
  const { thing, policies } = evaluateTemplate(body, given);
  assert.equal(thing?.thingName, "camera-24A6CC");
  assert.deepEqual(
    policies.map(({ name }) => name),
    ["devicelink-camera", Resources.RotationPolicy.Properties.PolicyName],
  );
});

test("AWS IoT alone may take the role, and the role may register things, nothing else", () => {
  const { AssumeRolePolicyDocument, ManagedPolicyArns, Policies } = Resources.RegistrationRole.Properties;
  const { Statement } = AssumeRolePolicyDocument as { Statement: object[] };
  assert.deepEqual(Statement, [
    { Effect: "Allow", Principal: { Service: "iot.amazonaws.com" }, Action: "sts:AssumeRole" },
  ]);
  const managed = "arn:PARTITION:iam::aws:policy/service-role/AWSIoTThingsRegistration";
  assert.deepEqual([withPlaceholders(ManagedPolicyArns), Policies], [[managed], undefined]);
});
