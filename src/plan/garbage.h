// SPDX-License-Identifier: MIT OR Apache-2.0
// What bears wgnet's marks, and is on nobody's record: a record was lost, or a journal.
#ifndef WGNET_PLAN_GARBAGE_H_
#define WGNET_PLAN_GARBAGE_H_

#include <span>

#include "src/plan/reader.h"
#include "src/plan/record.h"

namespace wgnet::plan {

/// Whether the kernel's object says that wgnet made it; docs/ownership.md has the marks.
bool IsMarked(const kernel::Object& object);

/// All such objects in the namespace but those on the records, with what is in their tables.
Result<Record> FindUnowned(std::span<const Record> records, Reader& reader);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_GARBAGE_H_
