//! The lines of the torture's networks carry what they should, and lose what they should.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::{Result, ensure};
use fernsicht_tests::dice::Dice;
use fernsicht_tests::net::{self, Impairment, Lane, OPERATOR, Resident, Streets};

/// How long what passes may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long what is blocked is waited for.
const IN_VAIN: Duration = Duration::from_millis(300);

#[test]
fn udp_can_be_blocked_alone_and_a_resident_can_move() -> Result<()> {
    if !net::possible()? {
        return Ok(());
    }
    let streets = Streets::build(&mut Dice::fresh())?;
    let (udp, tcp) = streets.operator.enter(|| {
        let tcp = TcpListener::bind((OPERATOR, 0))?;
        Ok((UdpSocket::bind((OPERATOR, 0))?, tcp))
    })?;
    let (udp_address, tcp_address) = (udp.local_addr()?, tcp.local_addr()?);
    let customer = streets
        .customer
        .enter(|| Ok(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?))?;

    let mut packet = [0; 64];
    let mut hear = |limit| -> Result<Option<Ipv4Addr>> {
        udp.set_read_timeout(Some(limit))?;
        Ok(match udp.recv_from(&mut packet) {
            Ok((_, from)) => match from.ip() {
                std::net::IpAddr::V4(address) => Some(address),
                std::net::IpAddr::V6(_) => None,
            },
            Err(_) => None,
        })
    };
    customer.send_to(b"here", udp_address)?;
    ensure!(hear(PATIENCE)? == Some(Ipv4Addr::new(10, 71, 1, 2)));
    streets.move_to(Resident::Customer, 5)?;
    customer.send_to(b"there", udp_address)?;
    ensure!(hear(PATIENCE)? == Some(Ipv4Addr::new(10, 71, 5, 2)));

    streets.line(Resident::Customer).impair(Impairment {
        block: Lane::Udp,
        ..Impairment::default()
    });
    // The line looks at its orders every few milliseconds.
    std::thread::sleep(IN_VAIN);
    customer.send_to(b"nowhere", udp_address)?;
    ensure!(hear(IN_VAIN)?.is_none(), "UDP passed");
    let mut stream = streets.customer.enter(|| {
        let stream = TcpStream::connect_timeout(&tcp_address, PATIENCE)?;
        Ok(stream)
    })?;
    stream.write_all(b"over the other way")?;
    drop(stream);
    let mut said = String::new();
    let (mut served, _) = tcp.accept()?;
    served.set_read_timeout(Some(PATIENCE))?;
    served.read_to_string(&mut said)?;
    ensure!(said == "over the other way", "{said:?}");
    let [out, _] = streets.line(Resident::Customer).counts();
    ensure!(
        out.blocked == 1 && out.passed_udp == 2 && out.passed > 4,
        "{out:?}"
    );
    Ok(())
}
