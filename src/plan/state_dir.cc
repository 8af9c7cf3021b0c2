// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/state_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/base/write_all.h"

namespace wgnet::plan {
namespace {

constexpr char kLockFile[] = "lock";
constexpr std::string_view kRecordSuffix = ".record";
constexpr std::string_view kTemporarySuffix = ".new";
constexpr std::string_view kJournalSuffix = ".journal";
constexpr std::string_view kPendingSuffix = ".pending";
constexpr std::string_view kUnknownHint = "`wgnet recover` does what can be done without it";
constexpr off_t kMostRecord = 256 << 20;

std::string_view HintFor(int error_number) {
  switch (error_number) {
    case EACCES:
    case EPERM:
      return "run it as root, or with another state directory";
    case ELOOP:
    case ENOTDIR:
      return "it must be a directory or file of its own, and no link";
    case ENOENT:
      return "the directory that it is to be made in must exist";
    case EROFS:
    case ENOSPC:
    case EDQUOT:
      return "name a state directory with room to write to, best on a tmpfs such as /run";
    default:
      return "see that the state directory is a directory that can be written to";
  }
}

Error StateError(std::string_view what, const std::string& path, int error_number) {
  return {
      .code = ErrorCode::kState,
      .message = fmt::format("{} {}: {}", what, QuoteForMessage(path), std::strerror(error_number)),
      .where = "state_dir",
      .hint = std::string(HintFor(error_number)),
      .error_number = error_number};
}

// Opens, or makes, a directory below `parent` that nobody else may write to.
Result<UniqueFd> OpenOwnDirectory(int parent, const std::string& name) {
  if (mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return StateError("cannot make the state directory", name, errno);
  }
  UniqueFd fd(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.ok()) return StateError("cannot open the state directory", name, errno);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return StateError("cannot examine", name, errno);
  if (info.st_uid != geteuid() || (info.st_mode & 0022) != 0) {
    return Error{.code = ErrorCode::kState,
                 .message = fmt::format("the state directory {} is not safe: others can change it",
                                        QuoteForMessage(name)),
                 .where = "state_dir",
                 .hint = "it must belong to the user that runs wgnet, with mode 0700"};
  }
  return fd;
}

// A file, whole: only its directory's owner replaces it, and never writes more into it.
Result<SecretBuffer> ReadFile(int directory, const std::string& name) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const UniqueFd fd(openat(directory, name.c_str(), kFlags));
  struct stat info;
  if (!fd.ok()) return StateError("cannot open", name, errno);
  if (fstat(fd.get(), &info) != 0) return StateError("cannot examine", name, errno);
  if (!S_ISREG(info.st_mode)) {
    return Error{.code = ErrorCode::kState,
                 .message = QuoteForMessage(name) + " is no file",
                 .where = "state_dir",
                 .hint = std::string(HintFor(0))};
  }
  if (info.st_size > kMostRecord) return StateError("cannot read", name, EFBIG);
  SecretBuffer bytes;
  bytes.Resize(static_cast<size_t>(info.st_size));
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return StateError("cannot read", name, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  bytes.Resize(size);
  return bytes;
}

// The file, open for writing.
Result<UniqueFd> WriteFile(int directory, const std::string& name, std::string_view bytes) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(openat(directory, name.c_str(), kFlags, 0600));
  if (!fd.ok()) return StateError("cannot write", name, errno);
  int error = WriteAll(fd.get(), bytes);
  if (error == 0 && fsync(fd.get()) != 0) error = errno;
  if (error == 0) return fd;
  unlinkat(directory, name.c_str(), 0);
  return StateError("cannot write", name, error);
}

Result<Journal> DecodePending(std::string_view bytes) {
  auto journal = DecodeJournal(bytes);
  if (journal && !journal->confirmation) {
    return Error{.code = ErrorCode::kState, .message = "nobody was asked to confirm it"};
  }
  return journal;
}

// One pwrite(2): a SIGKILL does not cut it. 0 or an errno.
template <class Mark>
int WriteOver(int file, const Mark& mark) {
  const ssize_t size = pwrite(file, &mark, sizeof mark, Mark::kPlace);
  if (size < 0) return errno;
  return size == static_cast<ssize_t>(sizeof mark) ? 0 : EIO;
}

bool IsInMemory(int directory) {
  struct statfs info;
  return fstatfs(directory, &info) == 0 &&
         (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC);
}

std::string ReadHolder(int fd) {
  char text[32] = {};
  const ssize_t size = pread(fd, text, sizeof text - 1, 0);
  return size > 0 ? std::string(text, static_cast<size_t>(size)) : "?";
}

}  // namespace

Result<StateDir> StateDir::Open(const std::string& directory, const std::string& netns_id) {
  WGNET_ASSIGN_OR_RETURN(const UniqueFd base, OpenOwnDirectory(AT_FDCWD, directory));
  WGNET_ASSIGN_OR_RETURN(UniqueFd own, OpenOwnDirectory(base.get(), netns_id));
  return StateDir(directory + "/" + netns_id, std::move(own));
}

Result<UniqueFd> StateDir::Lock(std::chrono::milliseconds timeout) const {
  constexpr int kFlags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(openat(directory_.get(), kLockFile, kFlags, 0600));
  if (!fd.ok()) return StateError("cannot open the lock in", path_, errno);
  const auto begun = std::chrono::steady_clock::now();
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return StateError("cannot lock", path_, errno);
    const auto waited = std::chrono::steady_clock::now() - begun;
    if (std::chrono::floor<std::chrono::milliseconds>(waited) >= timeout) {
      return Error{.code = ErrorCode::kBusy,
                   .message = fmt::format("process {} is changing this network namespace",
                                          ReadHolder(fd.get())),
                   .where = "lock_timeout",
                   .hint = "try again when it is done"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  const std::string holder = std::to_string(getpid());
  if (ftruncate(fd.get(), 0) != 0 || WriteAll(fd.get(), holder) != 0) {
    return StateError("cannot write the lock in", path_, errno);
  }
  return fd;
}

Result<std::vector<std::string>> StateDir::List(std::string_view suffix) const {
  UniqueFd again(openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!again.ok()) return StateError("cannot open", path_, errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(again.get()), closedir);
  if (!entries) return StateError("cannot list", path_, errno);
  again.Release();
  std::vector<std::string> names;
  while (const dirent* entry = readdir(entries.get())) {
    std::string name = entry->d_name;
    if (name.ends_with(suffix)) names.push_back(std::move(name));
  }
  return names;
}

template <class File>
Result<std::vector<File>> StateDir::LoadAll(std::string_view suffix,
                                            Result<File> (*decode)(std::string_view),
                                            std::string_view hint, Owners* damaged) const {
  WGNET_ASSIGN_OR_RETURN(const auto names, List(suffix));
  std::vector<File> files;
  for (const std::string& name : names) {
    auto bytes = ReadFile(directory_.get(), name);
    if (!bytes && bytes.error().error_number == ENOENT) continue;  // gone meanwhile
    if (!bytes) return bytes.error();
    auto file = decode(bytes->text());
    if (!file && damaged != nullptr && file.error().code == ErrorCode::kState) {
      damaged->push_back(name.substr(0, name.size() - suffix.size()));
      continue;
    }
    if (!file) {
      file.error().where = path_ + "/" + name;
      file.error().hint = std::string(hint);
      return file.error();
    }
    files.push_back(*std::move(file));
  }
  return files;
}

Result<std::vector<Record>> StateDir::Load() const {
  return LoadAll(kRecordSuffix, DecodeRecord,
                 "nothing is done while it is not known what is whose; remove the file "
                 "once the owner's objects are gone");
}

StateDir::Stamp StateDir::StampOf(const std::string& owner) const {
  const std::string name = owner + std::string(kRecordSuffix);
  struct stat info;
  if (fstatat(directory_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};
  return {info.st_ino, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
}

Result<StateDir::Pending> StateDir::Prepare(const Record& record) const {
  const std::string name = record.owner + std::string(kRecordSuffix);
  if (record.empty()) return Pending(directory_.get(), "", name);
  const std::string temporary = name + std::string(kTemporarySuffix);
  Pending pending(directory_.get(), temporary, name);  // first: making it may throw
  WGNET_RETURN_IF_ERROR(WriteFile(directory_.get(), temporary, EncodeRecord(record)));
  return pending;
}

// ---- journals ----

Result<StateDir::OpenJournal> StateDir::Begin(const Journal& journal) const {
  if (NeedsKeys(journal) && !IsInMemory(directory_.get())) {
    return Error{.code = ErrorCode::kState,
                 .message = fmt::format("taking this back needs keys, and {} is on a disk",
                                        QuoteForMessage(path_)),
                 .where = "state_dir",
                 .hint = "name a state directory on a tmpfs such as /run"};
  }
  std::string name = journal.owner + std::string(kJournalSuffix);
  // Whatever throws, what was written is removed.
  OpenJournal written(directory_.get(), name + std::string(kTemporarySuffix),
                      journal.owner + std::string(kPendingSuffix), UniqueFd());
  const SecretBuffer bytes = EncodeJournal(journal);
  WGNET_ASSIGN_OR_RETURN(written.file_, WriteFile(directory_.get(), written.name_, bytes.text()));
  if (renameat(directory_.get(), written.name_.c_str(), directory_.get(), name.c_str()) != 0) {
    return StateError("cannot write", name, errno);
  }
  written.name_ = std::move(name);
  return written;
}

Result<std::vector<Journal>> StateDir::LoadJournals(Owners* damaged) const {
  return LoadAll(kJournalSuffix, DecodeJournal, kUnknownHint, damaged);
}

bool StateDir::Has(std::string_view suffix) const {
  const auto names = List(suffix);
  return names && !names->empty();
}

template <class Value>
Status StateDir::Mark(const std::string& name, const Value& value) const {
  const UniqueFd file(openat(directory_.get(), name.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.ok()) return StateError("cannot open", name, errno);
  if (const int error = WriteOver(file.get(), value)) {
    return StateError("cannot write", name, error);
  }
  return {};
}

Status StateDir::Remove(const std::string& name) const {
  if (unlinkat(directory_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  return StateError("cannot remove", name, errno);
}

bool StateDir::HasJournal() const { return Has(kJournalSuffix); }

Status StateDir::MarkJournal(const std::string& owner, size_t begun) const {
  return Mark(owner + std::string(kJournalSuffix), JournalMark(static_cast<uint32_t>(begun)));
}

Status StateDir::RemoveJournal(const std::string& owner) const {
  return Remove(owner + std::string(kJournalSuffix));
}

StateDir::OpenJournal::OpenJournal(OpenJournal&& other) noexcept
    : directory_(std::exchange(other.directory_, -1)),
      name_(std::move(other.name_)),
      pending_name_(std::move(other.pending_name_)),
      file_(std::move(other.file_)) {}

StateDir::OpenJournal::~OpenJournal() {
  if (directory_ >= 0) unlinkat(directory_, name_.c_str(), 0);
}

int StateDir::OpenJournal::Mark(size_t begun) {
  if (directory_ < 0) return 0;
  return WriteOver(file_.get(), JournalMark(static_cast<uint32_t>(begun)));
}

int StateDir::OpenJournal::Keep(const PendingMark& mark) {
  if (const int error = WriteOver(file_.get(), mark.Checked())) return error;
  if (renameat(directory_, name_.c_str(), directory_, pending_name_.c_str()) != 0) return errno;
  name_.swap(pending_name_);
  return 0;
}

void StateDir::OpenJournal::LeaveToTakeBack() {
  if (directory_ < 0) return;
  static_cast<void>(
      WriteOver(file_.get(), PendingMark{.decision = Decision::kTakenBack}.Checked()));
  Release();
}

// ---- changes that wait to be confirmed ----

Result<std::vector<Journal>> StateDir::LoadPending(Owners* damaged) const {
  return LoadAll(kPendingSuffix, DecodePending, kUnknownHint, damaged);
}

bool StateDir::HasPending() const { return Has(kPendingSuffix); }

Status StateDir::MarkPending(const std::string& owner, const PendingMark& mark) const {
  return Mark(owner + std::string(kPendingSuffix), mark.Checked());
}

Status StateDir::RemovePending(const std::string& owner) const {
  return Remove(owner + std::string(kPendingSuffix));
}

Status StateDir::RemoveTemporaries() const {
  WGNET_ASSIGN_OR_RETURN(const auto names, List(kTemporarySuffix));
  for (const std::string& name : names) WGNET_RETURN_IF_ERROR(Remove(name));
  return {};
}

Result<UniqueFd> StateDir::Watch() const {
  UniqueFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  // The directory itself, whatever has its name by now.
  const std::string own = fmt::format("/proc/self/fd/{}", directory_.get());
  constexpr uint32_t kEvents = IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
  if (!watch.ok() || inotify_add_watch(watch.get(), own.c_str(), kEvents) < 0) {
    return StateError("cannot watch", path_, errno);
  }
  return watch;
}

// ---- records ----

StateDir::Pending::Pending(Pending&& other) noexcept
    : directory_(std::exchange(other.directory_, -1)),
      from_(std::move(other.from_)),
      to_(std::move(other.to_)) {}

StateDir::Pending::~Pending() {
  if (directory_ >= 0 && !from_.empty()) unlinkat(directory_, from_.c_str(), 0);
}

int StateDir::Pending::Commit() {
  if (directory_ < 0) return 0;
  int result;
  if (from_.empty()) {
    result = unlinkat(directory_, to_.c_str(), 0);
    if (result != 0 && errno == ENOENT) result = 0;
  } else {
    result = renameat(directory_, from_.c_str(), directory_, to_.c_str());
  }
  if (result != 0) return errno;
  directory_ = -1;
  return 0;
}

}  // namespace wgnet::plan
