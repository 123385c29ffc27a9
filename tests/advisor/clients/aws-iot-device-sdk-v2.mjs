/** aws-iot-device-sdk-v2 (MQTT 3.1.1). */
import { readFileSync } from "node:fs";
import { iot, mqtt } from "aws-iot-device-sdk-v2";

const { ADVISOR_HOST, ADVISOR_PORT, ADVISOR_CLIENT_ID, ADVISOR_CA, ADVISOR_CERTIFICATE, ADVISOR_KEY } = process.env;

const configuration = iot.AwsIotMqttConnectionConfigBuilder.new_mtls_builder(
  readFileSync(ADVISOR_CERTIFICATE, "utf8"),
  readFileSync(ADVISOR_KEY, "utf8"),
)
  .with_certificate_authority(readFileSync(ADVISOR_CA, "utf8"))
  .with_endpoint(ADVISOR_HOST)
  .with_port(Number(ADVISOR_PORT))
  .with_client_id(ADVISOR_CLIENT_ID)
  .with_clean_session(false)
  .with_keep_alive_seconds(10)
  .build();
const connection = new mqtt.MqttClient().new_connection(configuration);
const topic = (name) => `device/${ADVISOR_CLIENT_ID}/${name}`;
const ignore = () => {};

const publish = () => {
  connection.publish(topic("telemetry"), "{}", mqtt.QoS.AtMostOnce).catch(ignore);
  connection.publish(topic("photos"), "{}", mqtt.QoS.AtLeastOnce).catch(ignore);
};
connection.on("error", ({ message }) => console.error(message));
connection.on("interrupt", ignore);
connection.on("resume", (_code, sessionPresent) => {
  if (!sessionPresent) connection.subscribe(topic("commands"), mqtt.QoS.AtLeastOnce).catch(ignore);
  publish();
});

// The first connect is tried once by the SDK: who wants more has to ask again.
for (;;) {
  try {
    await connection.connect();
    break;
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
connection.subscribe(topic("commands"), mqtt.QoS.AtLeastOnce).catch(ignore);
publish();
setInterval(publish, 30_000);
