// Package child is this program started by itself: as a server (switchyard serve) or as a load
// generator (switchyard load), a process of its own. Both ends of what the two say to each other
// stand here, the parent's and the child's.
//
// They talk over a stream socket, descriptor 3 of the child.
//
// A load generator ([Control]) says words, each in a line: ready when it is warmed up, and then
// waits for go; done when its window is over, and then waits for end. The end of the stream ends
// its run. A parent has a [Load].
//
// A server ([Answer]) writes a line of JSON, [Stats], for each byte that it reads. The end of the
// stream ends it. At descriptor 4 it says, by one byte, that it accepts. A parent has a [Server].
//
// No child outlives its parent, whatever ends that ([Belong]). So what starts one must be a
// goroutine that is locked to its thread, which must live as long as the child ([Locked]).
package child
