// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/dns/host.h"

#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>

#include "src/base/read_file.h"
#include "src/base/try.h"
#include "src/dns/choose.h"
#include "src/dns/file.h"
#include "src/dns/resolvconf.h"
#include "src/dns/resolved.h"

namespace wgnet::dns {
namespace {

namespace fs = std::filesystem;

constexpr char kFile[] = "/etc/resolv.conf";

// A file on which another is mounted is on another device, or has a line of its own.
bool IsMounted(const std::string& path) {
  std::string mounts;
  if (ReadSmallFile("/proc/self/mountinfo", mounts) != 0) return false;
  return mounts.find(" " + path + " ") != mounts.npos;
}

// Where a symbolic link leads in the end; what it says where that is missing; "" for a file.
std::string TargetOf(const std::string& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return "";
  char real[PATH_MAX];
  if (realpath(path.c_str(), real) != nullptr) return real;
  const fs::path target = fs::read_symlink(path, error);
  return (fs::path(path).parent_path() / target).lexically_normal().string();
}

Facts FactsOf(const Namespace& netns) {
  Facts facts{.is_own_namespace = netns.is_own, .netns_name = netns.name};
  if (!netns.is_own) return facts;
  facts.resolved = FindResolved();
  facts.resolvconf = FindResolvconf();
  facts.keeper = TargetOf(kFile);
  std::string text;
  const int error = ReadSmallFile(kFile, text);
  const bool is_missing = error == ENOENT && facts.keeper.empty();
  facts.file = is_missing ? Facts::File::kMissing : FileOf(facts.keeper, text);
  if (facts.file == Facts::File::kPlain && IsMounted(kFile)) facts.file = Facts::File::kMounted;
  std::string nsswitch;
  if (ReadSmallFile("/etc/nsswitch.conf", nsswitch) == 0) {
    facts.switch_asks_resolved = AsksResolved(nsswitch);
  }
  return facts;
}

class Host final : public DnsSystem {
 public:
  Host(Namespace netns, std::shared_ptr<ProcessRunner> runner)
      : netns_(std::move(netns)), resolvconf_(std::move(runner)) {}

  Result<DnsHost> FindHost(std::optional<DnsBackend> wanted) override {
    WGNET_ASSIGN_OR_RETURN(const DnsBackend backend, Choose(wanted, FactsOf(netns_)));
    DnsHost host{.backend = backend};
    if (backend == DnsBackend::kFile) host.path = OwnFile();
    if (backend == DnsBackend::kResolvconf) host.prefix = ResolvconfPrefix();
    return host;
  }

  Result<std::optional<DnsConfig>> Read(const DnsPlace& place) override {
    switch (place.backend) {
      case DnsBackend::kResolved:
        return ReadResolved(place.label);
      case DnsBackend::kResolvconf:
        return resolvconf_.Read(place.label);
      case DnsBackend::kFile:
        break;
    }
    return FileAt(place.path).Read(place.label);
  }

  Status Write(const DnsPlace& place, const DnsConfig& config) override {
    switch (place.backend) {
      case DnsBackend::kResolved:
        return WriteResolved(place.label, config);
      case DnsBackend::kResolvconf:
        return resolvconf_.Write(place.label, config);
      case DnsBackend::kFile:
        break;
    }
    return FileAt(place.path).Write(place.label, config);
  }

  Status Remove(const DnsPlace& place) override {
    switch (place.backend) {
      case DnsBackend::kResolved:
        return RemoveResolved(place.label);
      case DnsBackend::kResolvconf:
        return resolvconf_.Remove(place.label);
      case DnsBackend::kFile:
        break;
    }
    return FileAt(place.path).Remove(place.label);
  }

  Result<std::vector<DnsPlace>> List() override {
    std::vector<DnsPlace> places;
    const std::string path = OwnFile();
    if (HasFile()) {
      WGNET_ASSIGN_OR_RETURN(const auto links, FileAt(path).List());
      for (const std::string& link : links) places.push_back({DnsBackend::kFile, path, link});
    }
    if (!netns_.is_own) return places;
    for (const std::string& label : resolvconf_.List()) {
      places.push_back({DnsBackend::kResolvconf, "", label});
    }
    return places;
  }

  Result<bool> ForgetEarlierBoots() override {
    return HasFile() ? FileAt(OwnFile()).ForgetEarlierBoots() : false;
  }

 private:
  bool HasFile() const { return netns_.is_own || !netns_.name.empty(); }
  std::string OwnFile() const {
    return netns_.is_own ? kFile : "/etc/netns/" + netns_.name + "/resolv.conf";
  }
  ResolvFile FileAt(const std::string& path) const { return {path, netns_.id}; }

  Namespace netns_;
  Resolvconf resolvconf_;
};

}  // namespace

std::unique_ptr<DnsSystem> HostResolver(Namespace netns, std::shared_ptr<ProcessRunner> runner) {
  return std::make_unique<Host>(std::move(netns), std::move(runner));
}

}  // namespace wgnet::dns
