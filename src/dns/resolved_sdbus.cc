// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <thread>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/dns/resolved.h"

namespace wgnet::dns {
namespace {

constexpr char kService[] = "org.freedesktop.resolve1";
constexpr char kManager[] = "/org/freedesktop/resolve1";
constexpr char kManagerInterface[] = "org.freedesktop.resolve1.Manager";
constexpr char kLinkInterface[] = "org.freedesktop.resolve1.Link";
constexpr char kNoSuchLink[] = "org.freedesktop.resolve1.NoSuchLink";
constexpr char kUnknownObject[] = "org.freedesktop.DBus.Error.UnknownObject";

constexpr uint64_t kCallTimeoutUs = 5'000'000;
// It learns of a new link a moment after the kernel made it.
constexpr auto kLinkPatience = std::chrono::seconds(2);
constexpr auto kLinkPause = std::chrono::milliseconds(10);

struct BusCloser {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, BusCloser>;

struct MessageCloser {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageCloser>;

// A failed call's reason.
class BusError {
 public:
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error_); }
  sd_bus_error* get() { return &error_; }
  bool Is(const char* name) const { return sd_bus_error_has_name(&error_, name) != 0; }
  bool IsNoLink() const { return Is(kNoSuchLink) || Is(kUnknownObject); }
  std::string Text(int error_number) const {
    return error_.message != nullptr ? error_.message : std::strerror(-error_number);
  }

 private:
  sd_bus_error error_ = SD_BUS_ERROR_NULL;
};

Error Failed(std::string_view what, const std::string& why, int error_number) {
  return {.code = ErrorCode::kDns,
          .message = "systemd-resolved does not " + std::string(what) + ": " + why,
          .hint = "see `resolvectl status`, or set another backend",
          .error_number = -error_number};
}

Bus OpenBus() {
  sd_bus* bus = nullptr;
  if (sd_bus_open_system(&bus) < 0) return nullptr;
  sd_bus_set_method_call_timeout(bus, kCallTimeoutUs);
  return Bus(bus);
}

int PutServers(sd_bus_message* message, const DnsConfig& config) {
  int error = sd_bus_message_open_container(message, 'a', "(iay)");
  for (const IpAddress& server : config.servers) {
    const auto bytes = server.bytes();
    if (error >= 0) error = sd_bus_message_open_container(message, 'r', "iay");
    if (error >= 0)
      error = sd_bus_message_append(message, "i", server.is_v6() ? AF_INET6 : AF_INET);
    if (error >= 0) error = sd_bus_message_append_array(message, 'y', bytes.data(), bytes.size());
    if (error >= 0) error = sd_bus_message_close_container(message);
  }
  return error < 0 ? error : sd_bus_message_close_container(message);
}

// "~." is what sends every name to the link's servers.
int PutDomains(sd_bus_message* message, const DnsConfig& config) {
  int error = sd_bus_message_open_container(message, 'a', "(sb)");
  std::vector<DomainName> domains = config.domains;
  if (config.exclusive.value_or(false)) domains.emplace_back();
  for (const DomainName& domain : domains) {
    if (error < 0) break;
    error = sd_bus_message_append(message, "(sb)", domain.name().c_str(),
                                  domain.is_routing_only() ? 1 : 0);
  }
  return error < 0 ? error : sd_bus_message_close_container(message);
}

using PutArguments = std::function<int(sd_bus_message* message)>;

int CallOnce(sd_bus* bus, const char* method, int link, const PutArguments& put, BusError& error) {
  sd_bus_message* made = nullptr;
  int status =
      sd_bus_message_new_method_call(bus, &made, kService, kManager, kManagerInterface, method);
  if (status < 0) return status;
  const Message message(made);
  status = sd_bus_message_append(made, "i", link);
  if (status >= 0) status = put(made);
  if (status < 0) return status;
  return sd_bus_call(bus, made, kCallTimeoutUs, error.get(), nullptr);
}

// Calls a method of the manager for a link, again while it does not know the link yet.
Status Call(sd_bus* bus, const char* method, int link, const PutArguments& put) {
  const auto deadline = std::chrono::steady_clock::now() + kLinkPatience;
  while (true) {
    BusError error;
    const int status = CallOnce(bus, method, link, put, error);
    if (status >= 0) return {};
    if (!error.IsNoLink() || std::chrono::steady_clock::now() >= deadline) {
      return Failed(std::string("take ") + method, error.Text(status), status);
    }
    std::this_thread::sleep_for(kLinkPause);
  }
}

int ReadServers(sd_bus_message* message, DnsConfig& config) {
  int status = sd_bus_message_enter_container(message, 'a', "(iay)");
  while (status >= 0 && (status = sd_bus_message_enter_container(message, 'r', "iay")) > 0) {
    int family = 0;
    const void* bytes = nullptr;
    size_t size = 0;
    status = sd_bus_message_read(message, "i", &family);
    if (status >= 0) status = sd_bus_message_read_array(message, 'y', &bytes, &size);
    if (status < 0) return status;
    config.servers.emplace_back(std::span(static_cast<const uint8_t*>(bytes), size));
    status = sd_bus_message_exit_container(message);
  }
  return status;
}

int ReadDomains(sd_bus_message* message, DnsConfig& config) {
  config.exclusive = false;
  int status = sd_bus_message_enter_container(message, 'a', "(sb)");
  const char* name = nullptr;
  int routing_only = 0;
  while (status >= 0 && (status = sd_bus_message_read(message, "(sb)", &name, &routing_only)) > 0) {
    const auto domain = DomainName::Parse((routing_only != 0 ? "~" : "") + std::string(name));
    if (!domain) continue;
    if (*domain == DomainName()) {
      config.exclusive = true;
    } else {
      config.domains.push_back(*domain);
    }
  }
  return status;
}

// Whether the service's process is in this process's network namespace.
bool SharesNamespace(sd_bus* bus) {
  sd_bus_creds* found = nullptr;
  if (sd_bus_get_name_creds(bus, kService, SD_BUS_CREDS_PID, &found) < 0) return false;
  const std::unique_ptr<sd_bus_creds, sd_bus_creds* (*)(sd_bus_creds*)> creds(found,
                                                                              sd_bus_creds_unref);
  pid_t process = 0;
  if (sd_bus_creds_get_pid(found, &process) < 0) return false;
  struct stat its;
  struct stat own;
  const std::string path = "/proc/" + std::to_string(process) + "/ns/net";
  return stat(path.c_str(), &its) == 0 && stat("/proc/thread-self/ns/net", &own) == 0 &&
         its.st_dev == own.st_dev && its.st_ino == own.st_ino;
}

int IndexOf(const std::string& link_index) {
  return static_cast<int>(ParseDecimal(link_index, INT32_MAX).value_or(0));
}

Result<Bus> Connect() {
  Bus bus = OpenBus();
  if (bus == nullptr) return Failed("answer", "there is no system bus", -ENOTCONN);
  return bus;
}

}  // namespace

ResolvedState FindResolved() {
  ResolvedState state{.is_built_in = true};
  const Bus bus = OpenBus();
  if (bus == nullptr) return state;
  // Started by the bus, if it is not there yet and can be.
  BusError error;
  state.answers =
      sd_bus_call_method(bus.get(), kService, "/org/freedesktop/resolve1",
                         "org.freedesktop.DBus.Peer", "Ping", error.get(), nullptr, "") >= 0;
  state.is_in_namespace = state.answers && SharesNamespace(bus.get());
  return state;
}

Result<std::optional<DnsConfig>> ReadResolved(const std::string& link_index) {
  const Bus bus = OpenBus();
  if (bus == nullptr) return std::optional<DnsConfig>();  // then nobody has anything
  BusError error;
  sd_bus_message* reply = nullptr;
  int status = sd_bus_call_method(bus.get(), kService, kManager, kManagerInterface, "GetLink",
                                  error.get(), &reply, "i", IndexOf(link_index));
  const Message path_reply(reply);
  if (status < 0) return std::optional<DnsConfig>();
  const char* path = nullptr;
  status = sd_bus_message_read(reply, "o", &path);
  DnsConfig config;
  const auto read = [&](const char* property, const char* type, const auto& take) {
    if (status < 0) return;
    sd_bus_message* value = nullptr;
    status = sd_bus_get_property(bus.get(), kService, path, kLinkInterface, property, error.get(),
                                 &value, type);
    const Message owner(value);
    if (status >= 0) status = take(value, config);
  };
  read("DNS", "a(iay)", ReadServers);
  read("Domains", "a(sb)", ReadDomains);
  if (error.IsNoLink()) return std::optional<DnsConfig>();
  if (status < 0) return Failed("tell what a link has", error.Text(status), status);
  const bool has_any = !config.servers.empty() || !config.domains.empty() || *config.exclusive;
  return has_any ? std::optional(std::move(config)) : std::nullopt;
}

Status WriteResolved(const std::string& link_index, const DnsConfig& config) {
  WGNET_ASSIGN_OR_RETURN(const Bus bus, Connect());
  const int link = IndexOf(link_index);
  WGNET_RETURN_IF_ERROR(Call(bus.get(), "SetLinkDNS", link,
                             [&](sd_bus_message* message) { return PutServers(message, config); }));
  return Call(bus.get(), "SetLinkDomains", link,
              [&](sd_bus_message* message) { return PutDomains(message, config); });
}

Status RemoveResolved(const std::string& link_index) {
  WGNET_ASSIGN_OR_RETURN(const Bus bus, Connect());
  BusError error;
  const int status = CallOnce(
      bus.get(), "RevertLink", IndexOf(link_index), [](sd_bus_message*) { return 0; }, error);
  if (status >= 0 || error.IsNoLink()) return {};
  return Failed("take RevertLink", error.Text(status), status);
}

}  // namespace wgnet::dns
