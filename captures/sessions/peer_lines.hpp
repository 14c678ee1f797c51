// The lines that the C++ peers print, those of gorilla_peer.go: TIME CLIENT_PORT EVENT FACT…, the
// last fact of an event being bytes in hex.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

inline std::string hexadecimal(std::string const& data) {
    std::string text = "x";
    char digits[3];
    for (unsigned char byte : data) {
        std::snprintf(digits, sizeof digits, "%02x", byte);
        text += digits;
    }
    return text;
}

inline void note_line(unsigned client_port, std::string const& facts) {
    // CLOCK_MONOTONIC, the clock that all journals have.
    auto now = std::chrono::steady_clock::now().time_since_epoch();
    long long time = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
    std::printf("%lld %u %s\n", time, client_port, facts.c_str());
    std::fflush(stdout);
}

inline void note(unsigned client_port, std::string const& event) { note_line(client_port, event); }

// A head: up to its empty line.
inline void note(unsigned client_port, std::string const& event, std::string const& head) {
    note_line(client_port, event + " " + hexadecimal(head.substr(0, head.find("\r\n\r\n"))));
}

inline void note(unsigned client_port, std::string const& event, std::string const& sender,
                 std::string const& type, std::string const& data) {
    note_line(client_port, event + " " + sender + " " + type + " " + hexadecimal(data));
}

inline std::string close_payload(unsigned code, std::string const& reason) {
    return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 255)} + reason;
}

inline std::string repeated(std::string const& text, int times) {
    std::string all;
    for (int i = 0; i < times; i++) all += text;
    return all;
}

// ws://HOST:PORT/PATH
struct Url {
    std::string host, path;
    unsigned short port;

    explicit Url(std::string const& url) {
        auto colon = url.find(':', 5), slash = url.find('/', 5);
        host = url.substr(5, colon - 5);
        port = static_cast<unsigned short>(std::stoi(url.substr(colon + 1, slash - colon - 1)));
        path = url.substr(slash);
    }
};
