// Peers that mean no good.
#pragma once

#include "bench/http/socket.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace bench {

/// All kinds at once, or the one of that name, for that long; prints how many connections each kind needed,
/// since servers end them.
int hostile(std::chrono::seconds time, const address& http, std::string_view only);

/// The bytes of a first message of TLS.
std::string client_hello(SSL_CTX* context);
/// Sends those bytes and goes away after the first of what comes back.
void spoil_handshake(const address& https, std::string_view bytes);
/// Asks for the handshake again and again within the connection, as TLS 1.2 knows it.
void ask_to_renegotiate(SSL* tls);

} // namespace bench
