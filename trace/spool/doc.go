// Package spool is the file a recording goes to while it is made, and its reader. It needs no
// kernel and no privilege: a spool can be read anywhere, and what a tracer that was killed has left
// of one, too.
//
// A spool is a sequence of frames, only ever appended, each with its own checksum. A frame that is
// not whole ends it. Rings are emptied one after the other, each into a frame of its own, so that
// at most places the events of one CPU go on for longer than those of another; FrameKnown says up
// to when all are there, and a recording without its last frame ends at the last of them.
//
// All numbers are those of the machine that recorded, which is little-endian.
package spool
