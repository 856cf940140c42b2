//! Rights and input that travel twice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fernsicht_protocol::frame::Class;
use fernsicht_protocol::messages::ALPN_AGENT;
use fernsicht_protocol::net::{
    self, Connection, Incoming, RecordSender, SendStream, Transport, quic,
};
use fernsicht_protocol::unit::{KIND_COPY, Record};
use fernsicht_tests::dice::Dice;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::{Door, PATIENCE, frame, records};

/// The stream of a copy of what began with this record, from some offset on.
async fn copy_of(connection: &Connection, first: &Record, offset: u64) -> Result<SendStream> {
    let mut stream = connection.open_uni(first.header().class).await?;
    stream.write_all(&head_of(first, offset)).await?;
    Ok(stream)
}

pub(super) fn head_of(first: &Record, offset: u64) -> Vec<u8> {
    let mut head = vec![KIND_COPY];
    head.extend_from_slice(&first.header().encode());
    head.extend_from_slice(&offset.to_be_bytes());
    head
}

fn records_of(class: Class, count: u64) -> Vec<Record> {
    let record = |number| Record::Frame(frame(class, number, 40));
    (0..count).map(record).collect()
}

/// What its own stream still lacks: as where its packet was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_comes_by_its_copy_where_its_own_stream_stands_still() -> Result<()> {
    let door = Door::open()?;
    let (agent, relay) = door.meet(Transport::Quic).await?;
    let sent = records_of(Class::Rights, 4);
    let bytes: Vec<_> = sent.iter().map(Record::encode).collect();
    let mut own = agent.0.open_uni(Class::Rights).await?;
    own.write_all(&bytes[0]).await?;
    let mut seen = records(&relay.0).await?;
    let mut next = async || anyhow::Ok(timeout(PATIENCE, seen.next()).await??);
    ensure!(next().await?.as_ref() == Some(&sent[0]));

    let mut copy = copy_of(&agent.0, &sent[0], bytes[0].len() as u64).await?;
    copy.write_all(&bytes[1]).await?;
    take_copy(&relay.0).await?;
    ensure!(next().await?.as_ref() == Some(&sent[1]));
    copy.write_all(&bytes[2]).await?;
    ensure!(next().await?.as_ref() == Some(&sent[2]));

    // What comes late on its own stream has been there; what is new counts, and its end is the end.
    own.write_all(&bytes[1..].concat()).await?;
    ensure!(next().await?.as_ref() == Some(&sent[3]));
    copy.write_all(&bytes[3]).await?;
    own.finish()?;
    ensure!(next().await?.is_none());
    Ok(())
}

async fn take_copy(connection: &Connection) -> Result<()> {
    let stream = timeout(PATIENCE, connection.accept_uni()).await??;
    let copy = timeout(PATIENCE, net::incoming(stream)).await??;
    ensure!(matches!(copy, Incoming::Copy), "{copy:?}");
    Ok(())
}

/// As after a resume: the stream of the old epoch is still read when the new one's begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_one_stream_alone() -> Result<()> {
    let door = Door::open()?;
    let (agent, relay) = door.meet(Transport::Quic).await?;
    let old = records_of(Class::Input, 3);
    let new: Vec<_> = (0..3)
        .map(|number| {
            let mut frame = frame(Class::Input, number, 70);
            frame.header.epoch += 1;
            Record::Frame(frame)
        })
        .collect();
    let mut streams = Vec::new();
    for sent in [&old, &new] {
        let mut own = agent.0.open_uni(Class::Input).await?;
        own.write_all(&sent[0].encode()).await?;
        let mut seen = records(&relay.0).await?;
        ensure!(timeout(PATIENCE, seen.next()).await??.as_ref() == Some(&sent[0]));
        streams.push((own, seen));
    }
    // The new one's copy comes first, and the old one's takes its place before anybody has read.
    for sent in [&new, &old] {
        let first = sent[0].encode().len() as u64;
        let mut copy = copy_of(&agent.0, &sent[0], first).await?;
        copy.write_all(&sent[1].encode()).await?;
        copy.finish()?;
        take_copy(&relay.0).await?;
    }
    let [(mut old_own, mut old_seen), (mut new_own, mut new_seen)] =
        <[_; 2]>::try_from(streams).ok().context("two")?;
    ensure!(timeout(PATIENCE, old_seen.next()).await??.as_ref() == Some(&old[1]));
    for (own, sent) in [(&mut new_own, &new), (&mut old_own, &old)] {
        own.write_all(&[sent[1].encode(), sent[2].encode()].concat())
            .await?;
        own.finish()?;
    }
    for (seen, rest) in [(&mut new_seen, &new[1..]), (&mut old_seen, &old[2..])] {
        for record in rest {
            ensure!(timeout(PATIENCE, seen.next()).await??.as_ref() == Some(record));
        }
        ensure!(timeout(PATIENCE, seen.next()).await??.is_none());
    }
    Ok(())
}

/// Whatever comes first, and in whatever pieces, copies that are ahead, cut off or given anew among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_change_nothing_of_what_is_read() -> Result<()> {
    let door = Door::open()?;
    let early = Arc::new(AtomicUsize::new(0));
    for seed in 0..30 {
        let mut dice = Dice::from_seed(seed);
        let (agent, relay) = door.meet(Transport::Quic).await?;
        let sent: Vec<_> = (0..12)
            .map(|number| Record::Frame(frame(Class::Input, number, dice.roll(3_000) as usize)))
            .collect();
        let bytes: Vec<u8> = sent.iter().flat_map(Record::encode).collect();
        let written = Arc::new(AtomicUsize::new(0));
        let (early, own_written) = (Arc::clone(&early), Arc::clone(&written));
        let reading = tokio::spawn(async move {
            let mut own = records(&relay.0).await?;
            let connection = relay.0.clone();
            // Copies may end within their heads.
            tokio::spawn(async move {
                while let Ok(stream) = connection.accept_uni().await {
                    tokio::spawn(net::incoming(stream));
                }
            });
            let (mut seen, mut length) = (Vec::new(), 0);
            while let Some(record) = timeout(PATIENCE, own.next()).await?? {
                length += record.encode().len();
                if length > own_written.load(Ordering::SeqCst) {
                    early.fetch_add(1, Ordering::Relaxed);
                }
                seen.push(record);
            }
            drop(relay);
            anyhow::Ok(seen)
        });
        let mut own = agent.0.open_uni(Class::Input).await?;
        let (mut at, mut copy): (usize, Option<(usize, SendStream)>) = (0, None);
        while at < bytes.len() {
            let piece = dice.roll(2_500) as usize + 1;
            match (dice.roll(6), &mut copy) {
                (0..=2, Some((from, stream))) => {
                    let end = (*from + piece).min(bytes.len());
                    // One that a newer one has replaced is refused.
                    drop(stream.write_all(&bytes[*from..end]).await);
                    *from = end;
                }
                (0 | 1, copy) => {
                    let ahead = dice.roll(4) == 0;
                    let most = if ahead { bytes.len() } else { at + 1 };
                    let from = dice.roll(most as u32) as usize;
                    let stream = copy_of(&agent.0, &sent[0], from as u64).await?;
                    *copy = Some((from, stream));
                }
                // Ended, or cancelled.
                (3, copy) => {
                    if let Some((_, mut stream)) = copy.take()
                        && dice.roll(2) == 0
                    {
                        stream.cancel();
                    }
                }
                _ => {
                    let end = (at + piece).min(bytes.len());
                    written.store(end, Ordering::SeqCst);
                    own.write_all(&bytes[at..end]).await?;
                    at = end;
                }
            }
            if dice.roll(3) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        own.finish()?;
        ensure!(reading.await?? == sent, "seed {seed}");
    }
    let early = early.load(Ordering::Relaxed);
    ensure!(early > 0, "no record came by a copy first");
    Ok(())
}

/// Rights and input where the way is long, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_wait_for_a_lost_packet_is_sent_twice() -> Result<()> {
    let door = Door::open()?;
    let far = far_from(door.address.parse()?).await?.to_string();
    let client = quic::connect(&far, &door.pin, ALPN_AGENT, None);
    let (client, relay) = tokio::join!(client, door.take());
    let ((_endpoint, client), relay) = (client?, relay?);
    let agent = Connection::from(client);
    let mut notices = RecordSender::open(&agent, Class::Notices).await?;
    for notice in records_of(Class::Notices, 3) {
        notices.send(&notice).await?;
    }
    let first = timeout(PATIENCE, relay.accept_uni()).await??;
    ensure!(matches!(net::incoming(first).await?, Incoming::Records(_)));
    for class in [Class::Rights, Class::Input] {
        let mut sender = RecordSender::open(&agent, class).await?;
        let sent = records_of(class, 5);
        for record in &sent {
            sender.send(record).await?;
        }
        let bytes: Vec<u8> = sent.iter().flat_map(Record::encode).collect();
        let copied = [head_of(&sent[0], 0), bytes.clone()].concat();
        for bytes in [bytes, copied] {
            let mut stream = timeout(PATIENCE, relay.accept_uni()).await??;
            let mut seen = vec![0; bytes.len()];
            timeout(PATIENCE, stream.read_exact(&mut seen)).await??;
            ensure!(seen == bytes, "{class:?}");
        }
    }
    Ok(())
}

/// Another address of a server, a quarter of a second away in each direction.
async fn far_from(server: SocketAddr) -> Result<SocketAddr> {
    let near = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
    let beyond = Arc::new(UdpSocket::bind("127.0.0.1:0").await?);
    beyond.connect(server).await?;
    let address = near.local_addr()?;
    tokio::spawn(async move {
        let (mut there, mut back) = ([0; 2048], [0; 2048]);
        let mut client = None;
        loop {
            let (packet, to) = tokio::select! {
                Ok((length, from)) = near.recv_from(&mut there) => {
                    client = Some(from);
                    (there[..length].to_vec(), None)
                }
                Ok(length) = beyond.recv(&mut back) => (back[..length].to_vec(), client),
            };
            let (near, beyond) = (Arc::clone(&near), Arc::clone(&beyond));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(250)).await;
                match to {
                    Some(client) => near.send_to(&packet, client).await,
                    None => beyond.send(&packet).await,
                }
            });
        }
    });
    Ok(address)
}
