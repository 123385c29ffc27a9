/** The MQTT client as the SDK's implementation behaves; see modules/cloud/client-interface. */
declare module "embedded:network/mqtt/client" {
  const MQTTClient: import("../cloud/client-interface").MQTTClientClass;
  export default MQTTClient;
}
