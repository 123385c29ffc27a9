/** npm `mqtt` with its defaults, but for what a device on AWS IoT has to set, and a shorter keep-alive so that it is judged sooner. */
import { readFileSync } from "node:fs";
import { connect } from "mqtt";

const { ADVISOR_HOST, ADVISOR_PORT, ADVISOR_CLIENT_ID, ADVISOR_CA, ADVISOR_CERTIFICATE, ADVISOR_KEY } = process.env;

const client = connect(`mqtts://${ADVISOR_HOST}:${ADVISOR_PORT}`, {
  clientId: ADVISOR_CLIENT_ID,
  clean: false,
  keepalive: 10,
  connectTimeout: 5000,
  ca: readFileSync(ADVISOR_CA),
  cert: readFileSync(ADVISOR_CERTIFICATE),
  key: readFileSync(ADVISOR_KEY),
});
client.on("error", ({ message }) => console.error(message));
client.subscribe(`device/${ADVISOR_CLIENT_ID}/commands`, { qos: 1 });

const publish = () => {
  if (!client.connected) return;
  client.publish(`device/${ADVISOR_CLIENT_ID}/telemetry`, "{}", { qos: 0 });
  client.publish(`device/${ADVISOR_CLIENT_ID}/photos`, "{}", { qos: 1 });
};
client.on("connect", publish);
setInterval(publish, 30_000);
