/**
 * What editors and `npm run check` know of the Moddable SDK: the published typings for the modules that they cover (mcconfig
 * brings its own, newer ones), and beside this file the modules that they lack.
 */
/// <reference types="@moddable/typings/xs" />
/// <reference types="@moddable/typings/timer" />
/// <reference types="@moddable/typings/time" />
/// <reference types="@moddable/typings/base64" />
/// <reference types="@moddable/typings/mc/config" />
/// <reference types="@moddable/typings/embedded_io/_common" />
/// <reference types="@moddable/typings/embedded_io/socket/tcp" />
/// <reference types="@moddable/typings/embedded_io/socket/listener" />
/// <reference types="@moddable/typings/embedded_io/socket/udp" />
