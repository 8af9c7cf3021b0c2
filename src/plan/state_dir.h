// SPDX-License-Identifier: MIT OR Apache-2.0
// The state directory: for each network namespace a lock, and a record for each owner.
#ifndef WGNET_PLAN_STATE_DIR_H_
#define WGNET_PLAN_STATE_DIR_H_

#include <chrono>
#include <string>
#include <vector>

#include "src/base/unique_fd.h"
#include "src/plan/journal.h"
#include "src/plan/record.h"
#include "wgnet/error.h"

namespace wgnet::plan {

class StateDir {
 public:
  /// Makes DIRECTORY/NAMESPACE where it is missing, for this user alone. A directory that others
  /// can write to, or a link, is refused.
  static Result<StateDir> Open(const std::string& directory, const std::string& netns_id);

  /// Waits until no other process holds the namespace's lock. It is let go with the returned
  /// descriptor, or with the process.
  Result<UniqueFd> Lock(std::chrono::milliseconds timeout) const;

  /// The records of all owners.
  Result<std::vector<Record>> Load() const;

  /// What differs after every transaction of the owner's that changed something: a transaction
  /// makes the file anew.
  struct Stamp {
    uint64_t inode = 0;  // 0: there is no record
    int64_t seconds = 0;
    int64_t nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
  };
  Stamp StampOf(const std::string& owner) const;

  /// A record that is written, and becomes the owner's when it is committed.
  class Pending {
   public:
    /// Of no owner: nothing is committed.
    static Pending Nothing() { return Pending(-1, "", ""); }
    Pending(Pending&& other) noexcept;
    ~Pending();
    /// One rename(2), or unlink(2) for an empty record; allocates nothing. 0 or an errno.
    int Commit();

   private:
    friend class StateDir;
    Pending(int directory, std::string from, std::string to)
        : directory_(directory), from_(std::move(from)), to_(std::move(to)) {}
    int directory_;
    std::string from_;  // "": the record is empty
    std::string to_;
  };
  Result<Pending> Prepare(const Record& record) const;

  /// The journal of a transaction that runs: only a process that was killed leaves it behind.
  class OpenJournal {
   public:
    /// Of a transaction that needs none.
    static OpenJournal Nothing() { return OpenJournal(-1, "", "", UniqueFd()); }
    OpenJournal(OpenJournal&& other) noexcept;
    ~OpenJournal();
    /// So many ops may have been sent from now on; allocates nothing. 0 or an errno.
    int Mark(size_t begun);
    /// Makes it the journal of a change that waits to be confirmed; it stays once it is released.
    /// Allocates nothing. 0 or an errno.
    int Keep(const PendingMark& mark);
    void Release() { directory_ = -1; }
    /// Leaves it to whoever comes next, who takes the rest back, whatever the journal asked for.
    void LeaveToTakeBack();

   private:
    friend class StateDir;
    OpenJournal(int directory, std::string name, std::string pending_name, UniqueFd file)
        : directory_(directory),
          name_(std::move(name)),
          pending_name_(std::move(pending_name)),
          file_(std::move(file)) {}
    int directory_;
    std::string name_;
    std::string pending_name_;
    UniqueFd file_;
  };
  /// One that holds keys is refused where it would get onto a disk.
  Result<OpenJournal> Begin(const Journal& journal) const;
  using Owners = std::vector<std::string>;
  /// The journals that were left behind. One that is damaged is an error, if its owner is not to be
  /// noted instead.
  Result<std::vector<Journal>> LoadJournals(Owners* damaged = nullptr) const;
  bool HasJournal() const;
  /// So many ops of a journal that was left behind may have been sent from now on.
  Status MarkJournal(const std::string& owner, size_t begun) const;
  Status RemoveJournal(const std::string& owner) const;

  /// Those of changes that wait to be confirmed.
  Result<std::vector<Journal>> LoadPending(Owners* damaged = nullptr) const;
  bool HasPending() const;
  Status MarkPending(const std::string& owner, const PendingMark& mark) const;
  Status RemovePending(const std::string& owner) const;

  /// Removes what processes have left that were killed while they wrote a file. The caller has the
  /// lock, and writes none.
  Status RemoveTemporaries() const;

  /// A descriptor that becomes readable when a file in the directory changes (inotify(7)).
  Result<UniqueFd> Watch() const;

 private:
  Result<std::vector<std::string>> List(std::string_view suffix) const;
  bool Has(std::string_view suffix) const;
  Status Remove(const std::string& name) const;
  template <class Value>
  Status Mark(const std::string& name, const Value& value) const;
  // All files of a kind; `hint` is for one that is damaged, if those are not to be noted.
  template <class File>
  Result<std::vector<File>> LoadAll(std::string_view suffix,
                                    Result<File> (*decode)(std::string_view), std::string_view hint,
                                    Owners* damaged = nullptr) const;
  StateDir(std::string path, UniqueFd directory)
      : path_(std::move(path)), directory_(std::move(directory)) {}

  std::string path_;
  UniqueFd directory_;
};

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_STATE_DIR_H_
