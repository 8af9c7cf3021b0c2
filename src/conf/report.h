// SPDX-License-Identifier: MIT OR Apache-2.0
// Errors and warnings that say where in a file.
#ifndef WGNET_CONF_REPORT_H_
#define WGNET_CONF_REPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "wgnet/conf.h"

namespace wgnet::conf {

class Report {
 public:
  explicit Report(std::string_view file) : file_(file) {}

  Error At(ConfFile::Place place, std::string message, std::string hint) const;
  /// The value of `key` was rejected, at `part` of it, for the reason that `why` gives.
  Error Rejected(const ConfFile::Line& line, std::string_view key, std::string_view part,
                 Error why) const;
  void Warn(ConfFile::Place place, std::string_view message);

  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  std::string Where(ConfFile::Place place) const;

  std::string_view file_;
  std::vector<std::string> warnings_;
};

}  // namespace wgnet::conf

#endif  // WGNET_CONF_REPORT_H_
