// What the listener needs of a TCP instance.
#ifndef DEVICELINK_TCP_H
#define DEVICELINK_TCP_H

#include "tcp-connection.h"

// Gives an accepted connection to a TCP instance that was made without options.
void tcp_attach(xsMachine *the, xsSlot *instance, tcp_connection *connection);

#endif
