// Package powercuttest cuts the power of a program under test, thousands of times.
// kill -9 does not: the kernel still writes what the dead process gave it.
//
// A program runs once under strace. Its system calls on one folder, and the lines it
// prints, become a list of [Op] in order. [Images] cuts the list anywhere and makes
// the folder that a disk may hold then: what was synced is there, of what was not
// something is. A test opens the image with the real program, and compares with
// the lines that were printed before the cut. No hook in the program, no root, no
// kernel module.
//
// What a disk may hold:
//
//   - Bytes written before an fsync or fdatasync that returned 0 are there. Of later
//     writes to the file there are none, all, the first few, the first few and a
//     piece of the next, or for each sector of 512 bytes the first few. A piece and a
//     sector are whole: a disk may tear a write, but it keeps bytes it was not given
//     (SQLite's "powersafe overwrite").
//   - Under [Journal], as on ext4 and XFS, names and sizes change through one
//     journal: of the changes after the last commit the first few are there. fsync of
//     a file or folder commits what the journal held when it was last changed;
//     fdatasync only what it held when the file last changed its length.
//   - Under [Folders], the letter of POSIX, each folder has a journal of its own that
//     only fsync of the folder commits. A file that was synced but whose name was not
//     is gone. btrfs and ZFS lie between the two: there, fsync of one file need not
//     commit the truncation of another.
//   - Under both, a truncation that is not there takes the later writes to its file
//     with it: they went to blocks that were allocated after it.
//
// A call counts as made when it returned; a sync covers the calls that had returned
// when it began. A line counts as printed when its write began. When the program has
// ended, the folder must hold what the trace says; else writes were missed.
//
// What a test must keep in mind: memory-mapped writes are not seen, so that SQLite
// must run with mmap_size=0, and its -shm file holds nothing (it is made anew). A
// disk that lies about fsync, bit rot and other processes' writes are not modelled.
// fallocate, copy_file_range and renames between folders are refused, not guessed.
package powercuttest
