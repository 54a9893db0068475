package spool

// A recordKind says what a record tells; it is enum record_kind of trace/bpf/event.h. Those that
// are events are event.Kind.
type recordKind uint8

const (
	kindSwitch       recordKind = 1
	kindWaking       recordKind = 2
	kindWakeNew      recordKind = 3
	kindMigrate      recordKind = 4
	kindNew          recordKind = 5
	kindExec         recordKind = 6
	kindRename       recordKind = 7
	kindExit         recordKind = 8
	kindFree         recordKind = 9
	kindSyscallEnter recordKind = 10
	kindSyscallExit  recordKind = 11
	kindLost         recordKind = 13
	kindNumber       recordKind = 14
	kindBooks        recordKind = 15
	kindOffline      recordKind = 16
	kindOnline       recordKind = 17
)

// A recordFlag is a bit of enum record_flag that is not one of event.Flags, which the others are.
type recordFlag uint8

const (
	flagPageTable recordFlag = 3 // by how much the kind of page table is shifted, of a switch

	flagKernel  recordFlag = 1 << 1 // of a new task
	flagAdopted recordFlag = 1 << 2

	flagRunDelay recordFlag = 1 << 0 // of a task's books
)

// A snapshotFlag is enum snapshot_flag.
type snapshotFlag uint8

const (
	snapshotOnCPU    snapshotFlag = 1 << 0
	snapshotQueued   snapshotFlag = 1 << 1
	snapshotTraced   snapshotFlag = 1 << 2
	snapshotKernel   snapshotFlag = 1 << 3
	snapshotTracer   snapshotFlag = 1 << 4
	snapshotRunDelay snapshotFlag = 1 << 5
	snapshotExiting  snapshotFlag = 1 << 6
)

// Where the fields of the records lie, and how long these are: trace/bpf/event.h has the structs,
// and a test compares.
const (
	// struct record, the head of every one
	recordTime  = 0
	recordType  = 8 // its kind
	recordFlags = 9
	recordCPU   = 10
	recordTask  = 12
	recordSize  = 16

	switchNext     = 16
	switchState    = 20
	switchPrio     = 22
	switchNextPrio = 23
	switchNVCSW    = 24
	switchNIVCSW   = 26
	switchExec     = 28
	switchSize     = 32

	wakingBy   = 16
	wakingFrom = 20
	wakingPrio = 22
	wakingSize = 24

	migrateBy   = 16
	migrateTo   = 20
	migrateSize = 24

	identityTGID  = 16
	identityBy    = 20
	identityOld   = 24
	identityNr    = 28
	identityStart = 32
	identityComm  = 40
	identitySize  = 56

	endStart = 16
	endSize  = 24

	syscallValue = 16
	syscallSize  = 24

	booksNVCSW    = 16
	booksNIVCSW   = 24
	booksExec     = 32
	booksRunDelay = 40
	booksSize     = 48

	cpuOf   = 16
	cpuSize = 24

	lostFirst = 16
	lostLast  = 24
	lostCount = 32
	lostSize  = 40

	snapshotTGID      = 16
	snapshotParent    = 20
	snapshotState     = 24
	snapshotPrio      = 26
	snapshotNr        = 28
	snapshotStart     = 32
	snapshotNVCSW     = 40
	snapshotNIVCSW    = 48
	snapshotExec      = 56
	snapshotRunDelays = 64
	snapshotComm      = 72
	snapshotSize      = 88

	commSize = 16
)

// sizes are those of each kind of record: a shorter one is refused.
var sizes = [...]int{
	kindSwitch:       switchSize,
	kindWaking:       wakingSize,
	kindWakeNew:      wakingSize,
	kindMigrate:      migrateSize,
	kindNew:          identitySize,
	kindExec:         identitySize,
	kindRename:       identitySize,
	kindExit:         endSize,
	kindFree:         endSize,
	kindSyscallEnter: syscallSize,
	kindSyscallExit:  syscallSize,
	kindLost:         lostSize,
	kindNumber:       identitySize,
	kindBooks:        booksSize,
	kindOffline:      cpuSize,
	kindOnline:       cpuSize,
}
