// SQLite writes each frame of its log in two pieces, a header and a page: a commit of four pages is eight system calls.
// This file layer joins the frames of one transaction into one write.
//
// It promises that everything a commit consists of is handed to the kernel before SQLite is told that the commit frame
// is written, so neither syncing, nor what other connections may see, nor where errors are reported changes. All other
// files, and every write to the log that is no plain append, go straight through.
//
// A log that grows, grows by 64 KiB of zeros ahead of the frames: to sync a file whose size changes takes about half as
// long again as to sync one that is written over. SQLite stops at zeros as at the end of the file, and nothing of
// the log lies behind the frames that were just written.
#pragma once

namespace fortium::store {

// Name of the layer, registered at the first call. Any thread.
const char* wal_vfs();

}  // namespace fortium::store
