//! What the firmware's tables say: the processors and the interrupt controllers.

use core::ptr::NonNull;

use acpi::address::AddressSpace;
use acpi::fadt::Fadt;
use acpi::madt::{Madt, MadtEntry};
use acpi::{AcpiHandler, AcpiTables, PhysicalMapping};

use crate::paging::physical;
use crate::{apic, processor};

const SERIAL_LINE: u8 = 4;

/// Physical memory is mapped for good.
#[derive(Clone)]
struct Mapped;

impl AcpiHandler for Mapped {
    unsafe fn map_physical_region<T>(&self, address: usize, size: usize) -> PhysicalMapping<Self, T> {
        let start = NonNull::new(physical(address as u64)).unwrap_or(NonNull::dangling());
        // SAFETY: the first 4 GiB and all memory are mapped there, for good.
        unsafe { PhysicalMapping::new(address, start.cast(), size, size, Mapped) }
    }

    fn unmap_physical_region<T>(_: &PhysicalMapping<Self, T>) {}
}

/// What the tables say of devices.
#[derive(Default)]
pub(crate) struct Devices {
    /// Where the serial port's interrupt comes from.
    pub(crate) serial_input: Option<SerialInput>,
    /// The port of the power management timer.
    pub(crate) pm_timer: Option<u16>,
}

/// Where the device controller's line of the serial port is.
pub(crate) struct SerialInput {
    /// The physical address of the controller.
    pub(crate) controller: u64,
    /// Its line.
    pub(crate) line: u32,
}

/// Reads the tables: notes the processors and the address of the local controllers.
pub(crate) fn read(rsdp: u64) -> Devices {
    // SAFETY: the loader gave the address.
    let Ok(tables) = (unsafe { AcpiTables::from_rsdp(Mapped, rsdp as usize) }) else {
        return Devices::default();
    };
    Devices { serial_input: read_madt(&tables), pm_timer: read_fadt(&tables) }
}

fn read_fadt(tables: &AcpiTables<Mapped>) -> Option<u16> {
    let fadt = tables.find_table::<Fadt>().ok()?;
    let timer = fadt.get().pm_timer_block().ok()??;
    let is_port = timer.address_space == AddressSpace::SystemIo;
    is_port.then(|| u16::try_from(timer.address).ok()).flatten()
}

fn read_madt(tables: &AcpiTables<Mapped>) -> Option<SerialInput> {
    let madt = tables.find_table::<Madt>().ok()?;
    let madt = madt.get();
    apic::set_address(u64::from(madt.local_apic_address));
    let me = apic::id();
    processor::all()[0].apic_id.store(me, core::sync::atomic::Ordering::Relaxed);
    let (mut controller, mut line) = (None, u32::from(SERIAL_LINE));
    for entry in madt.entries() {
        match entry {
            MadtEntry::LocalApic(entry) if { entry.flags } & 1 != 0 => {
                let id = u32::from(entry.apic_id);
                if id != me && !processor::add(id) {
                    break;
                }
            }
            MadtEntry::IoApic(entry) if { entry.global_system_interrupt_base } == 0 => {
                controller = Some(u64::from(entry.io_apic_address));
            }
            MadtEntry::InterruptSourceOverride(entry) if entry.irq == SERIAL_LINE => {
                line = entry.global_system_interrupt;
            }
            _ => {}
        }
    }
    Some(SerialInput { controller: controller?, line })
}
